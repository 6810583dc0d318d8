"""The one place of truth: incidents, outbox, state and positions in one database, one transaction a step."""
