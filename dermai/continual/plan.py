"""What an update trains on and why: new photographs, those taken back, changed parameters, a replay of the old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import not_
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from dermai.config import Params, changed_parameters
from dermai.continual.networks_learnt import NetworksLearnt
from dermai.continual.recipes import RECIPES
from dermai.continual.speed import NOTHING_SINCE, SinceFineTuning, choose_speed
from dermai.data.cases import trainable
from dermai.data.folds import training_roles
from dermai.data.test_labels import LabelChange


class UpdatePlan(BaseModel):
    """The photographs of one training, by content hash, and why.

    `bootstrap`: no champion yet, everything is new. `update`: train on from the champion with `new`, `relabelled`
    (known photographs whose diagnosis was corrected) and `replay`. `from_anchor`: photographs the champion has
    learnt from, or by which its weights and thresholds were chosen (validation), were taken back (`removed`), so
    nothing of it may be kept; everything left is trained on from weights that never saw them.
    `nothing`: the champion has learnt from every training photograph there is, with the
    parameters of today.

    `relabelled_from` names the diagnosis that the champion knew of each photograph that has another one now, those that
    chose its weights (validation) among them. `changed_parameters`
    says in sentences what the champion was trained with and is otherwise now. Where that is the only reason to train,
    `again` holds every training photograph: all are learnt once more.

    `learner` is how: linear heads learn everything that is known at each update, so all the old is replayed. Theirs is
    a `speed`, with the reason for it in words: at the slow one a network is fine-tuned beside the heads.

    `test_changes` names what changed in the labels of the test photographs since the last update; no training depends
    on them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["bootstrap", "update", "from_anchor", "nothing"]
    new: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    relabelled_from: dict[str, str] = {}
    changed_parameters: tuple[str, ...] = ()
    counts: dict[str, dict[str, int]] = {}  # new, relabelled, again and replay -> class -> photographs
    test_changes: tuple[LabelChange, ...] = Field((), exclude_if=not_)
    learner: Literal["linear_heads", "network"] = "network"
    speed: Literal["", "fast", "slow"] = Field("", exclude_if=not_)
    speed_reason: str = Field("", exclude_if=not_)

    @property
    def training(self) -> tuple[str, ...]:
        """Every photograph the training learns from."""
        return (*self.new, *self.relabelled, *self.again, *self.replay)

    @property
    def judges_champion_again(self) -> bool:
        """Whether what the champion was judged by is not what it was; test patients who joined change none of it."""
        return any(change.kind != "joined" for change in self.test_changes)


def plan_update(
    cases: pd.DataFrame,
    champion_manifest: pd.DataFrame | None,
    params: Params,
    trained_with: Mapping[str, JsonValue] | None = None,
    test_changes: Sequence[LabelChange] = (),
    networks: NetworksLearnt | None = None,
    since: SinceFineTuning = NOTHING_SINCE,
) -> UpdatePlan:
    """Compare cases and parameters with what the champion has learnt from, and with which parameters (`trained_with`).

    Only the split `train` is ever trained on; a network learns nothing from those of it who are held out. `networks`
    are the champion's fine-tuned ones, and `since` is what speaks for training them again.
    """
    found = _what_to_learn(cases, champion_manifest, params, trained_with)
    about: dict[str, object] = {"test_changes": tuple(test_changes), "learner": params.training.learner}
    if params.training.learner == "linear_heads":
        rows = trainable(cases)
        rows = rows[training_roles(rows, "linear_heads") == "train"]
        speed = choose_speed(rows, params, networks, since)
        if found.mode == "nothing" and speed.by_itself and not rows.empty:
            diagnosis = dict(zip(rows["image"], rows["diagnosis"], strict=True))
            found = _plan("update", diagnosis, again=diagnosis)
        if found.mode != "nothing":
            about |= {"speed": speed.name, "speed_reason": speed.reason}
    return found.model_copy(update=about)


def _what_to_learn(
    cases: pd.DataFrame,
    champion_manifest: pd.DataFrame | None,
    params: Params,
    trained_with: Mapping[str, JsonValue] | None,
) -> UpdatePlan:
    everything = trainable(cases)
    rows = everything[training_roles(everything, params.training.learner) == "train"]
    diagnosis = dict(zip(rows["image"], rows["diagnosis"], strict=True))
    changed = changed_parameters(trained_with or {}, params)
    if champion_manifest is None:
        return _plan("bootstrap", diagnosis, new=diagnosis)

    learnt_rows = champion_manifest[champion_manifest["split"] == "train"]
    learnt = dict(zip(learnt_rows["image"], learnt_rows["diagnosis"], strict=True))
    removed = taken_back(champion_manifest, cases)
    new = [image for image in diagnosis if image not in learnt]
    relabelled = [image for image, known in learnt.items() if diagnosis.get(image, known) != known]
    known = dict(zip(champion_manifest["image"], champion_manifest["diagnosis"], strict=True))
    now = dict(zip(everything["image"], everything["diagnosis"], strict=True))
    was = {image: before for image, before in known.items() if now.get(image, before) != before}
    if removed:
        return _plan("from_anchor", diagnosis, new=diagnosis, removed=removed, was=was, changed=changed)
    if not new and not relabelled:
        return (
            _plan("update", diagnosis, again=diagnosis, was=was, changed=changed)
            if changed
            else UpdatePlan(mode="nothing")
        )
    to_learn = {*new, *relabelled}
    old = [image for image in diagnosis if image not in to_learn]
    replay = old  # linear heads are refitted on everything
    if params.training.learner == "network":
        replay = list(RECIPES[params.continual.strategy].replay({image: diagnosis[image] for image in old}, params))
    return _plan("update", diagnosis, new=new, relabelled=relabelled, replay=replay, was=was, changed=changed)


def taken_back(manifest: pd.DataFrame, cases: pd.DataFrame) -> list[str]:
    """Photographs that a model has learnt from and may learn from no longer, and those that chose it and may not.

    A validation photograph may not where it is gone, or where it is a test photograph now: the model would be judged on
    what it was chosen by.
    """
    rows = trainable(cases)
    still = set(rows.loc[rows["split"] == "train", "image"])
    by_split = {split: manifest.loc[manifest["split"] == split, "image"] for split in ("train", "validation")}
    removed = [image for image in by_split["train"] if image not in still]
    here = {*cases.loc[cases["split"] != "test", "image"], *removed}
    return removed + [image for image in by_split["validation"] if image not in here]


def _plan(
    mode: Literal["bootstrap", "update", "from_anchor"],
    diagnosis: dict[str, str],
    new: Iterable[str] = (),
    removed: Iterable[str] = (),
    relabelled: Iterable[str] = (),
    replay: Iterable[str] = (),
    again: Iterable[str] = (),
    was: Mapping[str, str] | None = None,
    changed: tuple[str, ...] = (),
) -> UpdatePlan:
    parts = {"new": tuple(new), "relabelled": tuple(relabelled), "again": tuple(again), "replay": tuple(replay)}
    counts = {
        part: dict(sorted(Counter(diagnosis[image] for image in images).items())) for part, images in parts.items()
    }
    return UpdatePlan(
        mode=mode,
        removed=tuple(removed),
        counts=counts,
        relabelled_from=dict(was or {}),
        changed_parameters=changed,
        **parts,
    )
