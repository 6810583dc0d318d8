"""The inside of Vigie: no IO, effects as data. Floors: loop, core, ports, domain."""
