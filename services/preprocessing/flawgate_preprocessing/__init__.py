"""The preprocessing service: frame and steps in, uint8 tensor out. No state, no model."""
