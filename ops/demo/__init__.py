"""The demonstration: a synthetic bad buzz through the real engine, in about a minute."""
