"""How good a run is: scores of frames that it never saw, and the figures that follow from them."""
