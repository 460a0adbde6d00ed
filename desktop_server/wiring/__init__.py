"""Wiring: settings become the parts of the server, one file a noun."""
