"""The model card: every number names the test set that it is of."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd

from dermai.evaluation.comparison import ModelEvaluation
from dermai.evaluation.metrics import evaluate
from dermai.gate.decision import decide
from dermai.gate.policy import GatePolicy
from dermai.records.update_record import DatasetRecord
from dermai.report.model_card import measured_again, model_card
from tests.gate.simulated import first_hit, lesions
from tests.packages import make_package


def evaluation(found: int, lesions: int) -> ModelEvaluation:
    """Of a model that finds so many of these melanomas."""
    table = pd.DataFrame({"diagnosis": ["MM"] * lesions, "predicted": ["MM"] * found + ["Nev"] * (lesions - found)})
    table = table.assign(patient_id=[f"p{number}" for number in range(lesions)], p_MM=0.5, p_Nev=0.5)
    result = evaluate(table, ("MM", "Nev"))
    return ModelEvaluation(sha256="s", operating_points={}, lesions=result, photographs=result)


def test_a_number_of_an_earlier_and_of_a_later_test_set_stand_under_their_dates(fleet: Any, tmp_path: Path) -> None:
    same = lesions({code: first_hit(190, 200) for code in ("MM", "BCC", "Nev")})
    decision = decide(GatePolicy(), same)
    first = fleet.candidate(
        "promote", decision=decision, evaluation={"candidate": evaluation(47, 48)},
        dataset=DatasetRecord(version="1111aaaa2222bbbb"),
    )  # fmt: skip
    fleet.promote(first)
    fleet.candidate(
        "reject", evaluation={"candidate": evaluation(40, 54), "champion": evaluation(52, 54)},
        dataset=DatasetRecord(version="3333cccc4444dddd"),
    )  # fmt: skip
    assert [model.lesions.cases for _, model in measured_again(fleet.audit, first)] == [54]
    package = make_package(0).save(tmp_path / "package")
    page = model_card(fleet.audit, fleet.registry.get(first), package)
    said = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))
    assert re.search(r"On the test set of \d+ \w+ \d{4} \(data 1111aaaa2222\): 48 lesions", said)
    assert "47/48" in said
    assert re.search(r"test set of \d+ \w+ \d{4} \(data 3333cccc4444\) 54 96 % 52/54", said)
