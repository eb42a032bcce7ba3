"""BatchNorm statistics of the photographs a network works on: those of other photographs or weights mislead it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dermai.training.processes import ALONE, Processes, sum_batch_norm

if TYPE_CHECKING:
    from torch import Tensor, nn


def recompute_batch_norm(module: nn.Module, batches: Iterable[Tensor], processes: Processes = ALONE) -> None:
    """Replace the BatchNorm statistics of a module by the plain mean over these inputs; leaves it in eval mode.

    With several processes, over the inputs of all of them.
    """
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    layers = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    module.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over all batches
        layer.train()
    count = 0
    with torch.no_grad():
        for count, batch in enumerate(batches, start=1):  # noqa: B007
            module(batch)
    sum_batch_norm(layers, count, processes)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    module.eval()
