"""What is done when parts are bad, or when nobody can say whether they are: lamps, horns, relays, messages."""
