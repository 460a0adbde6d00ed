"""Speed and memory, measured on this machine. No test asserts a time; figures in the README come from here."""
