"""A line of cameras that do not exist, and a network with faults."""
