"""The Open Inference Protocol (v2) under `/v2`: Triton's models, for callers who bring tensors instead of frames."""
