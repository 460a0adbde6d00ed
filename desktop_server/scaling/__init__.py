"""Scaling out: the application on Ray Serve, on one machine or many."""
