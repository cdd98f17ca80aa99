"""The gateway: the REST door of Flawgate, and the only one who knows the way of a frame."""
