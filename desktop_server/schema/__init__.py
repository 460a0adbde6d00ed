"""Schemas of what the server sends and takes: analyses, streams, the fleet, problems."""
