"""What readers of the broker know of the nodes, and a live view of it."""
