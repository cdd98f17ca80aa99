"""The one command `flawgate`. Works without torch: the training package adds its own subcommands."""
