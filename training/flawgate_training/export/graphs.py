"""The two ONNX graphs of a cascade recipe. Batch size is dynamic; height and width are fixed."""

import copy
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from flawgate_training.architectures.commutator import FEATURES, STRIDE, TwoStageNetwork

OPSET = 18
"""The exporter's own; every ONNX Runtime since 1.14 and TensorRT since 8.6 read it."""

_TRACED_BATCH = 2
"""A batch of one would be taken for a constant."""


class SegmentationGraph(nn.Module):
    """`frame`, (N, 1, H, W), uint8 → `mask`, (N, 1, H/8, W/8), 0–1, and `features`, (N, 145, H/8, W/8); float32."""

    def __init__(self, network: TwoStageNetwork) -> None:
        super().__init__()
        self.network = network.segmentation

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """See the class. The last feature is the mask's logit."""
        features = self.network(frame)
        return features[:, FEATURES:].sigmoid(), features


class ClassificationGraph(nn.Module):
    """`features`, (N, 145, H/8, W/8), float32 → `score`, (N, 1), float32, 0–1."""

    def __init__(self, network: TwoStageNetwork) -> None:
        super().__init__()
        self.network = network.classification

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        score: Tensor = self.network(features).sigmoid()
        return score


def fold_batch_norm(network: TwoStageNetwork) -> TwoStageNetwork:
    """A copy in evaluation mode whose every convolution has taken its batch normalisation into its weights."""
    folded = copy.deepcopy(network).eval()
    for module in folded.modules():
        if isinstance(module, nn.Sequential) and len(module) == 2:
            _fold(module)
    return folded


def _fold(pair: nn.Sequential) -> None:
    convolution, norm = pair
    if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
        pair[0], pair[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()


def write_graphs(
    network: TwoStageNetwork, *, height: int, width: int, segmentation: Path, classification: Path
) -> None:
    """Write both graphs as ONNX.

    Args:
        network: trained.
        height: rows of the frame, in pixels.
        width: columns of the frame, in pixels.
        segmentation: file to write.
        classification: file to write.
    """
    folded = fold_batch_norm(network)
    frame = torch.zeros(_TRACED_BATCH, 1, height, width, dtype=torch.uint8)
    features = torch.zeros(_TRACED_BATCH, FEATURES + 1, height // STRIDE, width // STRIDE)
    _write(SegmentationGraph(folded), segmentation, "frame", frame, ["mask", "features"])
    _write(ClassificationGraph(folded), classification, "features", features, ["score"])


def _write(graph: nn.Module, path: Path, name: str, example: Tensor, outputs: list[str]) -> None:
    with warnings.catch_warnings():
        # The exporter trips over deprecations of its own; what it wrote is compared with torch afterwards.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.eval(),
            (example,),
            path,
            dynamo=True,
            opset_version=OPSET,
            input_names=[name],
            output_names=outputs,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            verbose=False,
        )
    _forget_origin(path)


def _forget_origin(path: Path) -> None:
    """Take the stack traces out that the exporter leaves on every node: they hold paths of this machine."""
    model = onnx.load(path)
    graph = model.graph
    parts: list[Any] = [graph, *graph.node, *graph.value_info, *graph.input, *graph.output]
    for part in parts:
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, path)
