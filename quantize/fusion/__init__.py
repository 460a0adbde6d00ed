"""What the appliance's fusion rules are worth: simulated as published, and on performances both seen and heard."""
