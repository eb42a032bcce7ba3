"""How small a p-value must be when the team looks every week, at several statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Looks:
    """The false-alarm budget of one champion.

    `watch` is the chance that a window in which nothing changed is marked at all. `act` is the chance that even one
    of the next `windows` windows of a stable service calls for action; each look spends an equal part of it. Both hold
    whatever the dependence between statistics and between windows that share one reference (union bound), which is
    why no product of e-values and no independence-based online FDR rule is used here.

    >>> looks = Looks(watch=0.05, act=0.05, windows=52)
    >>> round(looks.act_each_look, 5)
    0.00096
    """

    watch: float
    act: float
    windows: int

    @property
    def act_each_look(self) -> float:
        """Significance level of one window's call to act."""
        return self.act / self.windows


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down p-values (1979): family-wise error under any dependence.

    >>> holm({"embedding": 0.01, "scores": 0.04, "mix": 0.03})
    {'embedding': 0.03, 'scores': 0.06, 'mix': 0.06}
    """
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, p_value * (len(p_values) - rank)))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def draws_needed(looks: Looks, families: int) -> int:
    """Permutations so that the smallest possible p-value can still call for action.

    >>> draws_needed(Looks(0.05, 0.05, 52), 4)
    4160
    """
    return int(families / looks.act_each_look + 0.5)
