"""Where the records lie: tables, migrations, connections. Knows nothing of what is written into them."""
