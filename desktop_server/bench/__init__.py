"""Speed and memory of the server, measured from outside."""
