"""Several processes that train as one: each computes its share of the same batch, and all see the same numbers.

The weights then do not depend on how many processes made them, beyond the rounding of sums in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dermai.errors import DermaiError

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor


class CannotShare(DermaiError):
    """A batch cannot be divided among the processes with the same number of each class for all."""


@dataclass(frozen=True)
class Processes:
    """This process's number among those that train one model together; `sum_up` adds a tensor over all, in place."""

    number: int = 0
    count: int = 1
    sum_up: Callable[[Tensor], Any] = lambda tensor: None

    @classmethod
    def of(cls, accelerator: Accelerator) -> Processes:
        """As Accelerate finds them in the environment of the process."""
        if accelerator.num_processes == 1:
            return cls()
        from torch import distributed

        return cls(accelerator.process_index, accelerator.num_processes, distributed.all_reduce)

    def check(self, samples_per_class: int) -> None:
        """Whether every process can have the same number of each class.

        Raises:
            CannotShare: it cannot.
        """
        if samples_per_class % self.count:
            raise CannotShare(
                f"training.samples_per_class is {samples_per_class}, which {self.count} processes cannot share "
                f"equally: set it to a multiple of {self.count}, or training.processes to a divisor of it"
            )

    def share(self, items: Any) -> Any:
        """Every `count`-th item. A balanced batch lists its classes one after another, so shares are balanced too.

        >>> Processes(1, 2).share([0, 0, 0, 0, 1, 1, 1, 1])
        [0, 0, 1, 1]
        """
        return items[self.number :: self.count]

    def mean(self, tensor: Tensor) -> Tensor:
        """The mean over all processes."""
        total = tensor.clone()
        self.sum_up(total)
        return total / self.count

    def rows(self, number: int, compute: Callable[[slice], Tensor], width: int, device: Any) -> Tensor:
        """Float32 rows [number, width] that each process computes a part of and all receive, bit for bit the same."""
        import torch

        bounds = np.linspace(0, number, self.count + 1).astype(int).tolist()
        mine = slice(bounds[self.number], bounds[self.number + 1])
        rows = torch.zeros(number, width, device=device)
        if mine.stop > mine.start:
            rows[mine] = compute(mine)
        self.sum_up(rows)
        return rows

    def as_one(self) -> AbstractContextManager[Any]:
        """Within it, BatchNorm and dropout in training treat the processes' shares as the one batch they are."""
        return nullcontext() if self.count == 1 else _whole_batch(self)


ALONE = Processes()


def _whole_batch(processes: Processes) -> AbstractContextManager[Any]:
    import torch
    from torch.nn import functional
    from torch.overrides import TorchFunctionMode

    class BatchNorm(torch.autograd.Function):
        """Normalised by the mean and variance over all processes; written out, as torch has none for a CPU.

        Two sums over the processes, forwards of the moments and backwards of the gradients of weight and bias.
        """

        @staticmethod
        def forward(context: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
            rows = by_channel(x)
            mean = rows.mean(0)
            var = (rows - mean).square_().mean(0)
            # Doubles: the mean of squares less the square of the mean would lose the variance's last digits.
            moments = torch.stack([mean.double(), var.double() + mean.double() ** 2])
            processes.sum_up(moments)
            mean, square = moments / processes.count
            var = square - mean**2
            inverse = (var + eps).rsqrt()
            context.save_for_backward(x, weight, mean, inverse)
            context.mark_non_differentiable(mean, var)
            return scaled(x, inverse * weight, bias - mean * inverse * weight), mean, var

        @staticmethod
        def backward(context: Any, gradient: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor, None]:
            x, weight, mean, inverse = context.saved_tensors
            rows, given = by_channel(x), by_channel(gradient)
            of_bias = given.sum(0).double()
            of_weight = (rows - mean.to(rows.dtype)).mul_(given).sum(0).double() * inverse
            sums = torch.stack([of_bias, of_weight])
            processes.sum_up(sums)
            bias_mean, weight_mean = sums / (len(rows) * processes.count)
            scale, slope = weight * inverse, weight * inverse**2 * weight_mean
            of_x = scaled(x, -slope, slope * mean - scale * bias_mean)
            of_x = torch.addcmul(of_x, gradient, along_channels(scale, x))
            return of_x, of_weight.to(weight.dtype), of_bias.to(weight.dtype), None

    def by_channel(x: Tensor) -> Tensor:
        rows = x.movedim(1, -1).reshape(-1, x.shape[1])
        return rows if rows.dtype in (torch.float32, torch.float64) else rows.float()

    def along_channels(values: Tensor, x: Tensor) -> Tensor:
        return values.to(x.dtype).view(1, -1, *[1] * (x.ndim - 2))

    def scaled(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return torch.addcmul(along_channels(shift, x), x, along_channels(scale, x))

    def batch_norm(
        x: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if not training:
            return functional.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
        weight = x.new_ones(x.shape[1]) if weight is None else weight
        bias = x.new_zeros(x.shape[1]) if bias is None else bias
        normalised, mean, var = BatchNorm.apply(x, weight, bias, eps)
        if running_mean is not None and running_var is not None:
            number = x.numel() // x.shape[1] * processes.count
            with torch.no_grad():
                running_mean.lerp_(mean.to(running_mean.dtype), momentum)
                running_var.lerp_((var * number / max(number - 1, 1)).to(running_var.dtype), momentum)
        return cast("Tensor", normalised)

    def dropout(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0:
            return x
        whole = torch.ones(x.shape[0] * processes.count, *x.shape[1:], dtype=x.dtype, device=x.device)
        return x * processes.share(functional.dropout(whole, p))  # the generator is seeded alike in all processes

    instead: dict[Any, Callable[..., Tensor]] = {functional.batch_norm: batch_norm, functional.dropout: dropout}

    class WholeBatch(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return instead.get(function, function)(*args, **(kwargs or {}))

    return WholeBatch()


def sum_batch_norm(layers: Sequence[Any], batches: int, processes: Processes) -> None:
    """Make BatchNorm statistics, plain means over a process's own batches, those over all processes' batches."""
    import torch

    if processes.count == 1:
        return
    buffers = [buffer for layer in layers for buffer in (layer.running_mean, layer.running_var)]
    count = buffers[0].new_tensor([1.0])
    sums = torch.cat([*(buffer.flatten() for buffer in buffers), count]).double() * batches
    processes.sum_up(sums)
    means = sums[:-1] / sums[-1]
    for buffer, mean in zip(buffers, means.split([buffer.numel() for buffer in buffers]), strict=True):
        buffer.copy_(mean)
    for layer in layers:
        layer.num_batches_tracked.fill_(int(sums[-1].item()))
