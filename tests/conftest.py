"""How the tests run, alone or beside each other."""

pytest_plugins = ["support.workers"]
