"""Alerts to people: at least once, one key, through visible stages, one worker a channel."""
