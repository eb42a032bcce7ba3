"""What an update trains on: new photographs, those taken back, and a replay of the old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.config import Params
from dermai.continual.recipes import RECIPES
from dermai.data.cases import trainable


class UpdatePlan(BaseModel):
    """The photographs of one training, by content hash, and why.

    `bootstrap`: no champion yet, everything is new. `update`: train on from the champion with `new`, `relabelled`
    (known photographs whose diagnosis was corrected) and `replay`. `from_anchor`: photographs the champion has
    learnt from were taken back (`removed`), so nothing of it may be kept; everything left is trained on from
    weights that never saw them. `nothing`: the champion has learnt from every training photograph there is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["bootstrap", "update", "from_anchor", "nothing"]
    new: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    counts: dict[str, dict[str, int]] = {}  # new, relabelled and replay -> class -> photographs

    @property
    def training(self) -> tuple[str, ...]:
        """Every photograph the training learns from."""
        return (*self.new, *self.relabelled, *self.replay)


def plan_update(cases: pd.DataFrame, champion_manifest: pd.DataFrame | None, params: Params) -> UpdatePlan:
    """Compare the case table with what the champion has learnt from. Only the split `train` is ever trained on."""
    rows = trainable(cases)
    rows = rows[rows["split"] == "train"]
    diagnosis = dict(zip(rows["image"], rows["diagnosis"], strict=True))
    if champion_manifest is None:
        return _plan("bootstrap", diagnosis, new=diagnosis)

    learnt_rows = champion_manifest[champion_manifest["split"] == "train"]
    learnt = dict(zip(learnt_rows["image"], learnt_rows["diagnosis"], strict=True))
    removed = [image for image in learnt if image not in diagnosis]
    new = [image for image in diagnosis if image not in learnt]
    relabelled = [image for image, known in learnt.items() if diagnosis.get(image, known) != known]
    if removed:
        return _plan("from_anchor", diagnosis, new=diagnosis, removed=removed)
    if not new and not relabelled:
        return UpdatePlan(mode="nothing")
    changed = {*new, *relabelled}
    old = [image for image in diagnosis if image not in changed]
    replay = RECIPES[params.continual.strategy].replay({image: diagnosis[image] for image in old}, params)
    return _plan("update", diagnosis, new=new, relabelled=relabelled, replay=replay)


def _plan(
    mode: Literal["bootstrap", "update", "from_anchor"],
    diagnosis: dict[str, str],
    new: Iterable[str] = (),
    removed: Iterable[str] = (),
    relabelled: Iterable[str] = (),
    replay: Iterable[str] = (),
) -> UpdatePlan:
    parts = {"new": tuple(new), "relabelled": tuple(relabelled), "replay": tuple(replay)}
    counts = {
        part: dict(sorted(Counter(diagnosis[image] for image in images).items())) for part, images in parts.items()
    }
    return UpdatePlan(mode=mode, removed=tuple(removed), counts=counts, **parts)
