"""Batch normalisation that learns quickly on a CPU."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation, (N, C, H, W) → the same shape, with gradients of our own where torch's are slow.

    Those of torch 2.15 go value by value where few channels (16 to 48, as in paper d's network) lie beside each other
    in memory (`channels_last`) on a CPU, and take half of a training step. Elsewhere this is torch's own.
    """

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        if not (self.training and self._is_slow(x)) or self.num_batches_tracked is None:
            return super().forward(x)
        self.num_batches_tracked.add_(1)
        normalised: Tensor = _Normalised.apply(
            x, self.weight, self.bias, self.running_mean, self.running_var, self.momentum, self.eps
        )
        return normalised

    def _is_slow(self, x: Tensor) -> bool:
        in_rows = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
        known = self.affine and self.track_running_stats and self.momentum is not None
        return in_rows and known and x.device.type == "cpu" and x.dtype == torch.float32 and x.numel() > x.shape[1]


class _Normalised(Function):
    """Ioffe and Szegedy 2015, Batch Normalization, section 3: forward by torch, backward by sums over rows."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *terms: Any) -> Tensor:
        """Terms: weight, bias, running mean and variance, momentum, epsilon. Changes the running ones."""
        weight, bias, running_mean, running_var, momentum, eps = terms
        learning = True
        answer, mean, scale = torch.native_batch_norm(
            x, weight, bias, running_mean, running_var, learning, momentum, eps
        )
        ctx.save_for_backward(x, weight, mean, scale)
        return answer

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """To the input, the weight and the bias."""
        x, weight, mean, scale = ctx.saved_tensors
        grown, centred = _rows(gradients[0]), _rows(x) - mean
        bias, gain = grown.sum(0), (grown * centred).sum(0) * scale
        factor, count = weight * scale, len(centred)
        rows = centred.mul_(-factor * scale * gain / count).addcmul_(grown, factor).sub_(factor * bias / count)
        frames, channels, height, width = x.shape
        return rows.view(frames, height, width, channels).permute(0, 3, 1, 2), gain, bias, None, None, None, None


def _rows(planes: Tensor) -> Tensor:
    """(N, C, H, W) → (N·H·W, C), of the same memory where that is `channels_last`."""
    return planes.permute(0, 2, 3, 1).reshape(-1, planes.shape[1])
