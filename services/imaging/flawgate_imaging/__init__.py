"""Flawgate's imaging: pure functions over numpy and OpenCV that services, the camera agent and training share."""
