"""A log on disk that holds frames until they are answered, whatever ends the process (docs/decisions/0015)."""
