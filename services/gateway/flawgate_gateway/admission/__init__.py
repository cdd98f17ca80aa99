"""How many frames are worked on at once, of which recipe, and which cannot make it in time."""
