"""Which of Triton's backends serves a recipe where there is no GPU: by `make bench-models`, docs/export.md."""

from typing import Literal

CpuBackend = Literal["onnxruntime", "openvino"]

CPU_BACKENDS: tuple[CpuBackend, ...] = ("onnxruntime", "openvino")

DEFAULT: CpuBackend = "openvino"
"""Faster than ONNX Runtime for every network measured, but for those below."""

_OTHERWISE: dict[str, CpuBackend] = {}


def cpu_backend(architecture: str) -> CpuBackend:
    """The faster one for an architecture, by name."""
    return _OTHERWISE.get(architecture, DEFAULT)
