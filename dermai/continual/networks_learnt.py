"""What a champion's fine-tuned networks have learnt, and whether an update may keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from pydantic import JsonValue

from dermai.config import Params

DEPLOYED = "deployed"


@dataclass(frozen=True)
class NetworksLearnt:
    """`learnt`: by network, `deployed` or the fold that a sister never saw, photographs with the diagnosis then.

    `classes` are those of the deployed one, `view` what of a photograph all of them see, `form` their backbone and
    input as `model:` names them, `parameters` those that they were trained with last.
    """

    learnt: Mapping[str, Mapping[str, str]]
    classes: tuple[str, ...]
    view: str
    form: Mapping[str, JsonValue]
    parameters: Mapping[str, JsonValue]


def why_not_kept(networks: NetworksLearnt, rows: pd.DataFrame, params: Params) -> str:
    """Why an update may neither keep these networks nor train them on; "" where it may.

    `rows` are the case table's photographs that may be learnt from now. All networks go with the first photograph that
    one has learnt and that is not among them (withdrawn, or corrected to a test patient's or to no diagnosis), and with
    the first that a sister has learnt and that is of her own fold now.
    """
    for name, theirs in networks.form.items():
        if theirs != getattr(params.model, name):
            return f"they have model.{name} {theirs}, which is {getattr(params.model, name)} now"
    if networks.view not in params.model.views:
        return f"they see the view {networks.view}, which is none of model.views"
    fold = dict(zip(rows["image"], rows["fold"].astype(str), strict=True))
    gone = {image for learnt in networks.learnt.values() for image in learnt if image not in fold}
    if gone:
        return f"they have learnt {len(gone)} photograph{'s' if len(gone) > 1 else ''} taken back since"
    for name, learnt in networks.learnt.items():
        if name != DEPLOYED and any(fold[image] == name for image in learnt):
            return f"sister {name} has learnt from patients who are of fold {name} now"
    without = sorted({*fold.values()} - {*networks.learnt})
    return f"there is no sister for fold {without[0]}" if without else ""


def unknown_to(networks: NetworksLearnt | None, rows: pd.DataFrame) -> pd.DataFrame:
    """The photographs that the deployed network has not learnt, or by another diagnosis; all where there is none."""
    learnt = networks.learnt[DEPLOYED] if networks else {}
    known = [learnt.get(image) == code for image, code in zip(rows["image"], rows["diagnosis"], strict=True)]
    return rows[[not learnt_so for learnt_so in known]]
