"""Who answers at night: the rota, the escalation when nobody does, and the links that say "I have it"."""
