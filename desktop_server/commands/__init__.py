"""Commands of ``affectd-server``, one a file."""
