"""Crisis exercises: a synthetic storm through the real engine, in a database of its own, and the team's clocks scored."""
