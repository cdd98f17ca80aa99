"""What people say of inspections, and what a network can learn from it."""
