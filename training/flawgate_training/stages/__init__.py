"""Training in two stages: segmentation first, then classification over the frozen segmentation (paper d, section 4)."""
