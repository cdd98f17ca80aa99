"""The decision service: tensor and recipe in, evaluation, score and defects out."""
