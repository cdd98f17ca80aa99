"""Flawgate's contracts: what every service agrees on. Knows no service."""
