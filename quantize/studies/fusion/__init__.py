"""Fusion studies: the appliance's rules, simulated as published, and on performances both filmed and recorded."""
