"""The description of a training run: its schema, how it is read, and how one is made for a user's own pictures."""
