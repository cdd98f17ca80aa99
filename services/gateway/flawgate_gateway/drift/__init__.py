"""Whether what a recipe sees still looks as it did when the recipe was exported."""
