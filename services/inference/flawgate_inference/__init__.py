"""Inference: a recipe's models asked, and their answers decided upon; over any model server, or in this process."""
