"""Export: from a run to a recipe in the model repository, checked on the way."""
