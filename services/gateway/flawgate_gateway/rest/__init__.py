"""The REST door: HTTP to a call of the core, the answer to JSON."""
