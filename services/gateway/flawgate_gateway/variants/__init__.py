"""Decision services beside the one in force: the canary judges a share of the frames, the shadow is compared only."""
