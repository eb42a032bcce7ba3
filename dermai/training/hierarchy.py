"""Coarser questions that the network learns beside the diagnosis: how serious, melanocytic or not, which group.

The answer to each is the sum of its classes' probabilities, so that it never contradicts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dermai.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from torch import Tensor

ClassLoss = Callable[["Tensor", "Tensor"], "Tensor"]  # class scores [N, C], class of each [N] -> mean loss


def parts(level: str, classes: Sequence[str]) -> list[int]:
    """For each class the part it belongs to in a level of the taxonomy: `risk`, `melanocytic` or `group`.

    >>> parts("melanocytic", ["Nev", "BCC", "MM"])
    [1, 0, 1]
    """
    values = [str(getattr(load_taxonomy().classes[code], level)) for code in classes]
    names = sorted(set(values))
    return [names.index(value) for value in values]


def hierarchical_loss(levels: Sequence[Sequence[int]], weight: float, smoothing: float) -> ClassLoss:
    """Cross-entropy of the diagnosis, and `weight` times that of each level; `levels` holds the part of each class."""
    import torch
    from torch.nn import functional

    def loss(scores: Tensor, truth: Tensor) -> Tensor:
        total = functional.cross_entropy(scores, truth, label_smoothing=smoothing)
        if levels:
            probabilities = functional.log_softmax(scores.float(), dim=1)
        for level in levels:
            place = torch.tensor(level, device=scores.device)
            summed = [probabilities[:, place == part].logsumexp(1) for part in range(max(level) + 1)]
            total = total + weight * functional.nll_loss(torch.stack(summed, 1), place[truth])
        return total

    return loss
