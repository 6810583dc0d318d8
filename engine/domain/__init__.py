"""The words of the field, as plain frozen types. No IO, no clock, no library but numpy."""
