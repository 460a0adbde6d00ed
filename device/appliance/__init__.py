"""The running appliance: its main loop, and what it keeps from one start to the next."""
