"""Crisis exercises: a synthetic storm through the real engine, in a database of its own; the clocks are scored."""
