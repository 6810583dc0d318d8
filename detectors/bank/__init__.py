"""Many series at once: the default detector with its state as arrays, one numpy step for all."""
