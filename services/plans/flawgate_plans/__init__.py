"""TensorRT plans of a recipe's models: built, proved and recorded on the machine whose GPU runs them."""
