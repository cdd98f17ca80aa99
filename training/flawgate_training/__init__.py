"""Training: architectures, data sets, training, evaluation, export. Meets serving only through `model_repository/`."""
