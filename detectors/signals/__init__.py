"""Signals beside the count: who, how far, how heated, since when, and whether the feed still speaks."""
