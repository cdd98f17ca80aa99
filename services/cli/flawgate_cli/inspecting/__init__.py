"""Sending pictures to a gateway."""
