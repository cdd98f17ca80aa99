"""Pictures of the boards without a Grafana, for whoever writes boards.

    python -m monitoring.grafana.preview --prometheus http://127.0.0.1:9090 --out /tmp/boards

Asks Prometheus what each panel asks, lays the panels out on Grafana's grid of 24 columns, and writes a page for each
board; where Chromium is installed, a picture of it, too. Prints the queries that came to nothing, a line each. A
likeness that shows what is empty, ugly or misleading; not Grafana.
"""
