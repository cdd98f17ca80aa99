"""How networks learn: losses, orders of frames, augmentation, the stages, and the loop that runs them."""
