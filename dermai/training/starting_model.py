"""Where a training starts: ImageNet weights or a parent's, with a head for the classes of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dermai.config import Params
from dermai.continual.plan import UpdatePlan, taken_back
from dermai.continual.recipes import RECIPES
from dermai.errors import DermaiError
from dermai.models.package import ModelPackage
from dermai.taxonomy import load_taxonomy

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor, nn


class CannotTrain(DermaiError):
    """There is nothing to learn from, nothing to tell apart, or nothing to train on from."""


def usable_parent(
    plan: UpdatePlan, params: Params, parent: ModelPackage | None, cases: pd.DataFrame
) -> ModelPackage | None:
    """The package to train on from; None for ImageNet weights.

    A recipe may start anew (`joint`); so does a run from an anchor that has learnt from photographs, or
    was chosen by photographs, that are not in `cases` any more, whichever update they were taken back before. Linear
    heads leave nothing to train on from but the weights that their network started with.

    Raises:
        CannotTrain: the parent has linear heads, or another backbone, input size, resampling or crop than the
            parameters.
    """
    starts_anew = plan.mode == "update" and RECIPES[params.continual.strategy].starts_anew
    if parent is None or plan.mode == "bootstrap" or starts_anew:
        return None
    if plan.mode == "from_anchor" and (parent.linear_parts is not None or taken_back(parent.manifest, cases)):
        return None
    if parent.linear_parts is not None:
        raise CannotTrain(
            "training.learner is network, but the model to train on from has linear heads: "
            "set it back, or train anew with continual.strategy: joint"
        )
    for name in ("backbone", "image_size", "interpolation", "crop"):
        theirs, ours = getattr(parent, name), getattr(params.model, name)
        if theirs != ours:
            raise CannotTrain(
                f"model.{name} is {ours}, but the model to train on from has {theirs}: "
                "set it back, or train anew with continual.strategy: joint"
            )
    return parent


def starting_model(params: Params, classes: Sequence[str], parent: ModelPackage | None) -> nn.Module:
    """The network for these classes with the parent's weights, or with those that params.yaml names."""
    import torch

    from dermai.models.backbones import build_model, head_name

    torch.manual_seed(params.seed)
    if parent is None:
        return build_model(params.model, classes)
    model = build_model(params.model.model_copy(update={"pretrained": "none"}), classes)
    model.load_state_dict(widen_head(parent.weights, model, head_name(model)))
    return model


def class_list(parent_classes: Sequence[str], diagnoses: Sequence[str]) -> tuple[str, ...]:
    """The parent's classes in its order, then the new ones among the diagnoses in the taxonomy's.

    >>> class_list(["Nev", "BCC"], ["MM", "SebKer", "BCC"])
    ('Nev', 'BCC', 'SebKer', 'MM')
    """
    new = set(diagnoses) - set(parent_classes)
    return (*parent_classes, *(code for code in load_taxonomy().codes if code in new))


def widen_head(weights: Mapping[str, Tensor], model: nn.Module, head: str) -> dict[str, Tensor]:
    """A parent's weights for a model with more classes: the head's old rows first, then the model's own new rows."""
    widened = dict(weights)
    for name in (f"{head}.weight", f"{head}.bias"):
        widened[name] = model.state_dict()[name].clone()
        widened[name][: len(weights[name])] = weights[name]
    return widened
