"""A run's report: one HTML page that a quality engineer can open, print and pass on."""
