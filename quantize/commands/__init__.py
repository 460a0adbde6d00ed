"""One module a command of ``python -m quantize``: ``add_to(commands)`` declares it."""
