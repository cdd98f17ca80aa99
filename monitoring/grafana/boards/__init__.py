"""The boards of Grafana, in Python: `python -m monitoring.grafana.boards` writes monitoring/grafana/dashboards/.

Plain data classes rather than Grafana's own builders, whose defaults change the files with every version of theirs.
Its models are the tests' yardstick instead: every key written here is one that they know.
"""
