"""Sources through recognisers to readings: in step, or on threads."""
