"""From one thread to another, and threads whose calls may never return."""
