"""How the worklists sorted the cases is what evidence from daily practice is weighted by."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.sortings import record_sortings
from dermai.promotion.shadow_mode import settle_challenger
from dermai.promotion.shadow_readings import readings_of
from dermai.records.log import records_of
from dermai.records.moves import ShadowDecisionRecord
from tests.promotion.test_shadow_mode import confirm_all, log_answers, waiting

__all__ = ["waiting"]  # a fixture


def sort(log, *rows, version="1"):
    names = ("case_id", "risk", "probability", "drawn")
    table = pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows])
    record_sortings(log, table.assign(patient_id=table["case_id"], model_version=version), datetime.now(UTC))


def test_cases_count_as_they_were_sorted_and_unsorted_ones_as_to_be_read(workspace):
    log = PredictionLog.of(workspace)
    sort(log, ("c1", "priority", 1.0, True), ("c2", "normal", 0.02, False), ("c3", "normal", 0.02, True))
    rows = pd.DataFrame({"lesion_id": ["l1", "l2", "l3", "l4", "l2"], "case_id": ["c1", "c2", "c3", "c4", "c1"]})
    found = readings_of(log, rows, ["l4", "l3", "l2", "l1"])
    assert found.case_id.tolist() == ["c4", "c3", "c2", "c1"]  # l2 came in with c2
    assert found.probability.tolist() == [1.0, 0.02, 0.02, 1.0]
    assert found.asked.tolist() == [True, True, False, True]
    assert found.share == 0.02


def test_a_case_that_was_sorted_as_normal_once_may_have_been_sent_home(workspace):
    log = PredictionLog.of(workspace)
    sort(log, ("c1", "priority", 1.0, True))
    sort(log, ("c1", "normal", 0.1, False), version="2")
    found = readings_of(log, pd.DataFrame({"lesion_id": ["l1"], "case_id": ["c1"]}), ["l1"])
    assert (found.probability.tolist(), found.asked.tolist()) == ([0.1], [False])


def test_the_share_is_that_of_the_first_normal_case_of_these_alone(workspace):
    log = PredictionLog.of(workspace)
    sort(log, ("before", "normal", 0.02, False))
    sort(log, ("c1", "priority", 1.0, True), ("c2", "normal", 1.0, True))
    sort(log, ("c3", "normal", 0.1, False))
    rows = pd.DataFrame({"lesion_id": ["l1", "l2", "l3"], "case_id": ["c1", "c2", "c3"]})
    found = readings_of(log, rows, ["l1", "l2", "l3"])
    assert found.share == 1.0
    assert found.least_probability(np.array([1, 2, 3])).tolist() == [1.0, 1.0, 0.1]


def test_without_sortings_every_case_was_to_be_read(workspace):
    found = readings_of(PredictionLog.of(workspace), pd.DataFrame({"lesion_id": ["l"], "case_id": ["c"]}), ["l"])
    assert (found.probability.tolist(), found.asked.tolist(), found.share) == ([1.0], [True], 1.0)


@pytest.mark.parametrize(("share", "sorted_as"), [(1.0, "normal"), (0.5, "priority"), (0.5, "normal")])
def test_what_was_sent_home_shows_a_floor_as_slowly_as_its_share_says(waiting, share, sorted_as):
    for version in ("1", "2"):
        diagnoses = log_answers(waiting, version)
    log = PredictionLog(waiting.workspace.prediction_log)
    normal = diagnoses["diagnosis"] == "Nev"
    drawn = np.random.default_rng(1).random(len(diagnoses)) < share
    sort(log, *(
        (case, sorted_as if home else "high_priority", share if home and sorted_as == "normal" else 1.0,
         bool(won or not home or sorted_as != "normal"))
        for case, home, won in zip(diagnoses["case_id"], normal, drawn, strict=True)
    ))  # fmt: skip
    confirm_all(waiting, diagnoses)
    settle_challenger(waiting.workspace, waiting.params)
    decision = records_of(waiting.audit, ShadowDecisionRecord)[-1].body.decision
    tests = {(test.about, test.against): test for test in decision.tests}
    assert tests["MM", "champion"].probability == 1
    everything_read = share == 1 or sorted_as == "priority"
    assert (
        tests["MM", "floor"].probability == tests["benign", "champion"].probability == (1 if everything_read else 0.5)
    )
    assert tests["benign", "champion"].patients == (normal if everything_read else normal & drawn).sum()
    assert (decision.outcome == "promote") == everything_read
