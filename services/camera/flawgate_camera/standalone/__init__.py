"""The whole inspection in this process, by ONNX Runtime: for a box beside the camera without a cluster, or cut off."""
