"""Whether an update may keep fine-tuned networks: not after one photograph that they may not have learnt."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from dermai.config import Params
from dermai.continual.networks_learnt import NetworksLearnt, unknown_to, why_not_kept

PARAMS = Params()
ROWS = pd.DataFrame(
    {
        "image": list("abcd"),
        "case_id": ["1", "2", "3", "3"],
        "diagnosis": ["Nev", "MM", "Nev", "BCC"],
        "fold": ["0", "1", "0", "1"],
    }
)
KNOWN = NetworksLearnt(
    learnt={"deployed": {"a": "Nev", "b": "MM"}, "0": {"b": "MM"}, "1": {"a": "Nev"}},
    classes=("Nev", "MM"),
    view="whole",
    form={"backbone": PARAMS.model.backbone, "image_size": PARAMS.model.image_size, "interpolation": "bilinear"},
    parameters={},
)


def test_what_is_all_still_there_is_kept() -> None:
    assert why_not_kept(KNOWN, ROWS, PARAMS) == ""


@pytest.mark.parametrize(
    ("networks", "rows", "why"),
    [
        (KNOWN, ROWS[1:], "1 photograph taken back"),
        (KNOWN, ROWS.assign(fold=["1", "1", "0", "1"]), "sister 1 has learnt from patients who are of fold 1"),
        (KNOWN, ROWS.assign(fold=["0", "1", "0", "2"]), "no sister for fold 2"),
        (replace(KNOWN, view="centre"), ROWS, "view centre"),
        (replace(KNOWN, form={"image_size": 64}), ROWS, "model.image_size 64"),
    ],
)
def test_anything_else_takes_all_of_them_along(networks: NetworksLearnt, rows: pd.DataFrame, why: str) -> None:
    assert why in why_not_kept(networks, rows, PARAMS)


def test_unknown_is_what_is_new_and_what_was_corrected() -> None:
    corrected = ROWS.assign(diagnosis=["BCC", "MM", "Nev", "BCC"])
    assert list(unknown_to(KNOWN, ROWS)["image"]) == ["c", "d"]
    assert list(unknown_to(KNOWN, corrected)["image"]) == ["a", "c", "d"]
    assert list(unknown_to(None, ROWS)["image"]) == list("abcd")
