"""The networks, one file per paper. Each takes uint8 frames: normalisation is part of the network."""
