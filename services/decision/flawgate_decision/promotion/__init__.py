"""Versions of recipes: told of, put in force while frames are being inspected, taken back, removed."""
