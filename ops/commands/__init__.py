"""One file a command. Modules here import light things only; what is heavy is imported inside the functions."""
