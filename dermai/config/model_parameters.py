"""The parameters that a model depends on: where one differs, a training is another one, and an update is due."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import JsonValue

from dermai.config.parameters import Params
from dermai.gate.policy_defaults import flat

FIRST, UPDATE = ("seed", "model", "training"), ("continual",)
# Where the weights lie and how the work is done change no weight.
LEFT_OUT = {"model": {"weights_folder"}, "training": {"processes", "checkpoint_every", "activation_cache_gb"}}


def weight_parameters(params: Params, of_updates: bool = True) -> dict[str, JsonValue]:
    """Dotted key to value of what a network's weights depend on; a first training has fewer than an update."""
    sections = {*FIRST, *(UPDATE if of_updates else ())}
    values = flat(params.model_dump(mode="json", include=sections, exclude=LEFT_OUT))
    return values | ({"gate.gated_classes": list(params.gate.gated_classes)} if of_updates else {})


def model_parameters(params: Params) -> dict[str, JsonValue]:
    """Those of the weights, of the clinical columns' part, and of the operating points."""
    others = params.model_dump(mode="json", include={"clinical": True, "gate": {"target_sensitivities"}})
    return weight_parameters(params) | flat(others)


def changed_parameters(trained_with: Mapping[str, JsonValue], params: Params) -> tuple[str, ...]:
    """What differs from the parameters that a model was trained with, a sentence each.

    A key that a later release added counts as its default. Nothing is known of a model whose package, from before
    packages named them, has no parameters.

    >>> before = model_parameters(Params())
    >>> changed_parameters(before, Params.model_validate({"clinical": {"columns": ["age"]}}))
    ('clinical.columns from [] to ["age"]',)
    """
    if not trained_with:
        return ()
    before = model_parameters(Params()) | dict(trained_with)
    return tuple(
        f"{key} from {json.dumps(before.get(key))} to {json.dumps(now)}"
        for key, now in model_parameters(params).items()
        if before.get(key) != now
    )
