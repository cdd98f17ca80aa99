"""The demo: real frames through the real cluster, held against their labels."""
