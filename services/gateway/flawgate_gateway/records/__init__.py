"""Inspection records: one for every part, exactly once; found again."""
