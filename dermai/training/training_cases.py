"""The cases that a training learns from and is validated on, and the manifest that says so afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from dermai.continual.plan import UpdatePlan
from dermai.data.cases import trainable
from dermai.data.folds import held_out, training_roles
from dermai.models.package import MANIFEST_COLUMNS, ModelPackage
from dermai.training.starting_model import CannotTrain, class_list

if TYPE_CHECKING:
    from dermai.training.phases import TrainingPhotographs


def training_cases(
    plan: UpdatePlan, cases: pd.DataFrame, parent: ModelPackage | None
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """The rows that the plan trains on, those held out to choose the weights by, and the classes, the parent's first.

    Raises:
        CannotTrain: nothing is left to train on, the plan names photographs of another split, or all are of one class.
    """
    rows = trainable(cases).set_index("image", drop=False)
    learnt, validation = rows.loc[list(plan.training)], rows[held_out(rows)]
    if plan.mode == "nothing" or learnt.empty:
        raise CannotTrain("there are no training photographs with a diagnosis: import cases first")
    if (training_roles(learnt) != "train").any():
        raise CannotTrain("the plan names photographs outside the split `train`: plan the update again")
    classes = class_list(parent.classes if parent else (), list(learnt["diagnosis"]))
    if len(classes) < 2:
        raise CannotTrain(f"all training photographs are {classes[0]}: a model needs two classes or more")
    return learnt, validation, classes


def training_photographs(
    replayed: Sequence[str],
    learnt: pd.DataFrame,
    validation: pd.DataFrame,
    classes: Sequence[str],
    levels: Sequence[Sequence[int]],
) -> TrainingPhotographs:
    """The photographs as indices of `classes`; to a training that starts anew none is old: then `replayed` is empty."""
    from dermai.training.phases import TrainingPhotographs

    index = {name: position for position, name in enumerate(classes)}
    replay = set(replayed)
    return TrainingPhotographs(
        train=list(learnt["image"]),
        train_labels=[index[name] for name in learnt["diagnosis"]],
        is_new=[image not in replay for image in learnt["image"]],
        validation=list(validation["image"]),
        validation_labels=[index.get(name, -1) for name in validation["diagnosis"]],
        levels=levels,
    )


def manifest_after(parent: ModelPackage | None, learnt: pd.DataFrame | None, validation: pd.DataFrame) -> pd.DataFrame:
    """What the parent learnt from, what was learnt now (in its place where relabelled), and what chose the weights."""
    parts = [] if learnt is None else [learnt]
    if parent is not None:
        parts.append(parent.manifest[parent.manifest["split"] == "train"])
    parts.append(validation.assign(split="validation"))
    rows = pd.concat([part[list(MANIFEST_COLUMNS)] for part in parts])
    return rows.drop_duplicates("image").reset_index(drop=True)
