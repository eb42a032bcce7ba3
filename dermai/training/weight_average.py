"""A moving average of the weights while they are trained: a steadier model than that of any one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of a module's weights and buffers; `decay` 0 is the module itself.

    `kept` is what an earlier `weights` gave, to go on from.
    """

    def __init__(self, module: nn.Module, decay: float, kept: Mapping[str, Tensor]) -> None:
        from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

        self.module, self._average = module, None
        if decay == 0:
            return
        self._average = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
        self._average.update_parameters(module)  # the first only copies: what follows is averaged
        if kept:
            self._average.module.load_state_dict(kept)

    def update(self) -> None:
        """Take in the module's weights after a step."""
        if self._average is not None:
            self._average.update_parameters(self.module)

    @property
    def weights(self) -> dict[str, Tensor]:
        """A copy of the average; empty where none is kept."""
        if self._average is None:
            return {}
        return {name: tensor.detach().clone() for name, tensor in self._average.module.state_dict().items()}

    @contextmanager
    def in_the_module(self) -> Iterator[None]:
        """The module has the averaged weights meanwhile."""
        if self._average is None:
            yield
            return
        trained = {name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()}
        self.module.load_state_dict(self.weights)
        try:
            yield
        finally:
            self.module.load_state_dict(trained)
