"""The networks, one file per family. Each takes uint8 frames: normalisation is part of the network."""
