"""Which of a camera's pictures are inspected."""
