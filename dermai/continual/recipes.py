"""The ways to learn new cases that `continual.strategy` chooses from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dermai.config import Params
from dermai.continual.penalties import Penalty, distillation, l2_sp
from dermai.continual.replay import class_balanced_replay, no_replay, uniform_replay, whole_replay

Replay = Callable[[Mapping[str, str], Params], list[str]]  # old photographs and their diagnoses -> those shown again


@dataclass(frozen=True)
class Recipe:
    """What is shown again, what is added to the loss, whether champion and candidate are mixed afterwards.

    A recipe that `starts_anew` trains from the first weights and not from the champion. With `short_epochs` an epoch
    is as long as the new photographs ask, however many old ones are drawn from, and the head is not trained alone
    first: an update costs what is new, and not what is known.
    """

    replay: Replay = no_replay
    penalty: Penalty | None = None
    interpolates: bool = False
    starts_anew: bool = False
    short_epochs: bool = False


RECIPES = {
    "balanced_replay": Recipe(replay=whole_replay, short_epochs=True),
    "replay_interpolation": Recipe(replay=class_balanced_replay, interpolates=True),
    "uniform_replay": Recipe(replay=uniform_replay),
    "distillation": Recipe(penalty=distillation),
    "l2_sp": Recipe(penalty=l2_sp),
    "finetune_only": Recipe(),
    "joint": Recipe(replay=whole_replay, starts_anew=True),
}
