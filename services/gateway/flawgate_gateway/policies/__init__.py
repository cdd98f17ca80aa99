"""Versions of policies: drafted, activated, retired, tried out on stored scores."""
