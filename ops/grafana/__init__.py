"""The Grafana dashboard: built from `build.py`, provisioned from the files beside it."""
