"""Photographs to take again: asked for by the quality check, or by a reader."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from dermai.errors import DermaiError
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import LONGEST_REASON, ask_for_photograph, read_retakes, record_retakes

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    return PredictionLog(tmp_path / "log")


def test_a_reader_may_ask_twice_for_the_same_and_both_wishes_are_kept(log):
    for hours in (0, 1):
        ask_for_photograph(log, "c1", "Porto", "blurred:\n closer", "ana", NOON + timedelta(hours=hours))
    asked, damaged = read_retakes(log)
    assert asked[["case_id", "reason", "asked_by"]].to_numpy().tolist() == [["c1", "blurred: closer", "ana"]] * 2
    assert not damaged


def test_the_quality_check_asks_under_no_name_and_once_a_folder(log):
    rows = pd.DataFrame([{"file": "a.jpg", "case_id": "c2", "site": "Porto", "device": "", "reason": "too dark"}])
    assert record_retakes(log, rows, NOON) == record_retakes(log, rows, NOON)
    assert read_retakes(log)[0]["asked_by"].tolist() == [""]


@pytest.mark.parametrize("reason", ["", " \n", "x" * (LONGEST_REASON + 1)], ids=["none", "blank", "long"])
def test_a_wish_without_a_reason_is_refused(log, reason):
    with pytest.raises(DermaiError, match="why the photograph"):
        ask_for_photograph(log, "c1", "Porto", reason, "ana", NOON)
