"""The technical documentation says of linear heads what is true of them."""

from __future__ import annotations

import numpy as np
import pytest

from dermai.gate.agreement import agreement
from dermai.gate.columns import Column, SecondColumn, decide_by_columns
from dermai.gate.policy import GatePolicy
from dermai.records.update_record import DatasetRecord, PhotographSet
from dermai.report.technical_documentation import technical_documentation
from tests.gate.simulated import first_hit, lesions
from tests.promotion.fleet import Fleet, training_with


def photographs(number: int) -> PhotographSet:
    counts = {"diagnosis": {"MM": number}} if number else {}
    return PhotographSet(sha256="s", photographs=number, lesions=number, patients=number, counts=counts)


@pytest.mark.parametrize("learner", ["linear_heads", "balanced_replay"])
def test_linear_heads_have_no_validation_patients(fleet: Fleet, learner: str) -> None:
    heads = learner == "linear_heads"
    sets = {"train": photographs(40), "validation": photographs(0 if heads else 8), "test": photographs(9)}
    training = training_with(fleet.params).model_copy(update={"strategy": learner, "validation_photographs": 40})
    fleet.candidate("reject", dataset=DatasetRecord(version="d", sets=sets), training=training)
    page = technical_documentation(fleet.audit, None, fleet.params)
    assert ('<th scope="row">validation</th>' in page) != heads
    assert ("<dt>Photographs answered out of fold</dt><dd>40</dd>" in page) == heads
    assert ("<dt>Validation photographs</dt><dd>40</dd>" in page) != heads


def test_both_columns_are_documented_and_that_which_promotes_is_named(fleet: Fleet) -> None:
    test, everybody = (lesions({code: first_hit(n, n) for code in ("MM", "BCC", "Nev")}) for n in (7, 70))
    called = np.array(["MM", "BCC", "Nev"])
    agreed = agreement(GatePolicy(), called, np.stack([called, called]))
    decision = decide_by_columns(GatePolicy(), Column(test, test), SecondColumn(everybody, everybody, None, agreed))
    assert decision.outcome == "promote"
    fleet.candidate("promote", decision=decision)
    page = technical_documentation(fleet.audit, None, fleet.params)
    assert "<h3>All confirmed lesions, MM: 70 of 70 lesions found</h3>" in page
    assert "<h3>Test patients, MM: 7 of 7 lesions found</h3>" in page
    assert "All tests on all confirmed lesions must pass, and the test patients may reject" in page
