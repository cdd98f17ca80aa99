"""Events for other systems: written with what they tell, delivered at least once, in order."""
