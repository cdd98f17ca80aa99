"""`flawgate top`: what the running cluster does now, from its own metrics."""
