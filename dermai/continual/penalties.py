"""Loss terms that hold an update near the champion without showing it old photographs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

from dermai.config import ContinualParams

if TYPE_CHECKING:
    from torch import Tensor, nn

LossTerm = Callable[["Tensor", "Tensor"], "Tensor"]  # (inputs of the module, its outputs) -> what is added to the loss
Penalty = Callable[[ContinualParams, int, "nn.Module"], LossTerm]  # settings, classes of the champion, its module


def distillation(continual: ContinualParams, classes: int, module: nn.Module) -> LossTerm:
    """Divergence from the champion's answers on the new photographs, over the classes it knew.

    Learning without forgetting: Li & Hoiem, IEEE TPAMI 40 (2018) 2935-2947. The module is copied as it is now.
    """
    import torch
    from torch.nn import functional

    champion = copy.deepcopy(module).eval().requires_grad_(False)
    heat = continual.distillation_temperature

    def term(inputs: Tensor, outputs: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = functional.softmax(champion(inputs)[:, :classes] / heat, dim=1)
        answers = functional.log_softmax(outputs[:, :classes] / heat, dim=1)
        return continual.distillation_weight * heat**2 * functional.kl_div(answers, wanted, reduction="batchmean")

    return term


def l2_sp(continual: ContinualParams, classes: int, module: nn.Module) -> LossTerm:
    """Half the squared distance of the weights from those that the module has now, times `l2_sp_strength`.

    L2-SP: Li, Grandvalet & Davoine, ICML 2018.
    """
    import torch

    starts = [(weight, weight.detach().clone()) for weight in module.parameters()]

    def term(inputs: Tensor, outputs: Tensor) -> Tensor:
        distances = torch.stack([(weight - start).square().sum() for weight, start in starts])
        return continual.l2_sp_strength / 2 * distances.sum()

    return term
