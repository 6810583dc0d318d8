"""The workers that several processes are made of: those that score and those that watch."""
