"""The parameters that a model depends on: where one differs, a training is another one, and an update is due."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import JsonValue

from dermai.config.parameters import Params
from dermai.gate.policy_defaults import flat

FIRST, UPDATE = ("seed", "model", "training"), ("continual",)
LINEAR_HEADS = (
    "seed", "training.learner", "training.head_regularisation", "model.backbone", "model.pretrained",
    "model.image_size", "model.interpolation", "model.views", "model.late_stages",
)  # fmt: skip
ONLY_OF_LINEAR_HEADS = ("training.learner", "training.head_regularisation", "model.views", "model.late_stages")
BEFORE_THERE_WERE_LEARNERS = {"training.learner": "network"}
# Where the weights lie, how the work is done and when it is change no weight.
LEFT_OUT = {
    "model": {"weights_folder", "weights_licence", "licences"},
    "training": {"processes", "checkpoint_every", "activation_cache_gb", "fine_tuning"},
}


def weight_parameters(params: Params) -> dict[str, JsonValue]:
    """Dotted key to value of what a model's weights depend on."""
    if params.training.learner == "linear_heads":
        everything = flat(params.model_dump(mode="json", include=set(FIRST)))
        return {key: everything[key] for key in LINEAR_HEADS}
    return {"training.learner": params.training.learner} | network_parameters(params)


def network_parameters(params: Params, of_updates: bool = True) -> dict[str, JsonValue]:
    """What the weights of a network depend on that is trained by epochs; a first training has fewer than an update."""
    sections = {*FIRST, *(UPDATE if of_updates else ())}
    values = flat(params.model_dump(mode="json", include=sections, exclude=LEFT_OUT))
    values = {key: value for key, value in values.items() if key not in ONLY_OF_LINEAR_HEADS}
    return values | ({"gate.gated_classes": list(params.gate.gated_classes)} if of_updates else {})


def model_parameters(params: Params) -> dict[str, JsonValue]:
    """Those of the weights, of the clinical columns' part, and of the operating points."""
    others = params.model_dump(mode="json", include={"clinical": True, "gate": {"target_sensitivities"}})
    return weight_parameters(params) | flat(others)


def changed_parameters(trained_with: Mapping[str, JsonValue], params: Params) -> tuple[str, ...]:
    """What differs from the parameters that a model was trained with, a sentence each.

    A key that a later release added counts as its default, the learner as the only one that there was. Nothing is
    known of a model whose package, from before packages named them, has no parameters.

    >>> before = model_parameters(Params.model_validate({"clinical": {"columns": ["age", "sex"]}}))
    >>> changed_parameters(before, Params.model_validate({"clinical": {"columns": ["age"]}}))
    ('clinical.columns from ["age", "sex"] to ["age"]',)
    """
    if not trained_with:
        return ()
    shipped = Params()
    before = network_parameters(shipped) | model_parameters(shipped) | BEFORE_THERE_WERE_LEARNERS | dict(trained_with)
    return tuple(
        f"{key} from {json.dumps(before.get(key))} to {json.dumps(now)}"
        for key, now in model_parameters(params).items()
        if before.get(key) != now
    )


def changed_network_parameters(trained_with: Mapping[str, JsonValue], params: Params) -> tuple[str, ...]:
    """As `changed_parameters`, of those that a fine-tuned network was trained with."""
    if not trained_with:
        return ()
    before = network_parameters(Params()) | dict(trained_with)
    return tuple(
        f"{key} from {json.dumps(before.get(key))} to {json.dumps(now)}"
        for key, now in network_parameters(params).items()
        if before.get(key) != now
    )
