"""NVIDIA Triton from PyPI on a model repository, for machines without a container engine."""
