"""The technical documentation says of linear heads what is true of them."""

from __future__ import annotations

import pytest

from dermai.records.update_record import DatasetRecord, PhotographSet
from dermai.report.technical_documentation import technical_documentation
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
