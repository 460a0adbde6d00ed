"""How the machine and this process are, and what systemd is told of it."""
