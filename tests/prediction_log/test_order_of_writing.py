"""Which part was written last, whatever the clock showed meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from dermai.prediction_log import order_of_writing
from dermai.prediction_log.confirmations import confirm, read_confirmations, read_every_confirmation
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.order_of_writing import next_part_name, order_of, time_of
from tests.prediction_log.test_log import embeddings, predictions

OLD = "part-{:%Y%m%dT%H%M%S%f}-0123abcd.parquet"
DAYS_AGO = (0, 400, -3000, 3)  # what the clock shows at each writing


@pytest.fixture
def clock(monkeypatch):
    """Sets the clock that names parts back by some days."""

    def set_back(days: int) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) - timedelta(days=days)

        monkeypatch.setattr(order_of_writing, "datetime", Clock)

    return set_back


@pytest.fixture
def log(tmp_path):
    return PredictionLog(tmp_path / "log")


def test_each_name_goes_behind_those_before_it_and_says_the_time(tmp_path):
    names = [OLD.format(datetime(2040, 1, 1, tzinfo=UTC)), OLD.format(datetime(2050, 1, 1, tzinfo=UTC))]
    for _ in range(12):
        names.append(next_part_name(tmp_path / name for name in names))
    assert sorted(names, key=order_of) == names
    assert abs(time_of(names[-1]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("name", ["part-damaged.parquet", "part-99999999T999999999999-0123abcd.parquet", "x"])
def test_a_name_that_says_nothing_goes_before_all_others(name):
    assert order_of(name) == 0
    assert time_of(name).year == 1970


def test_the_row_that_was_written_last_counts_though_the_clock_was_set_back(log, clock):
    for number, days in enumerate(DAYS_AGO):
        clock(days)
        log.append(predictions(0, 3).assign(site=f"site {number}"), embeddings(3), "1")
    rows = log.read("1")
    assert rows.table["site"].tolist() == ["site 3"] * 3
    assert rows.replaced == 9
    assert log.referred(case_id=["case-1"])["logged_at"].is_monotonic_increasing is False
    assert log.referred(case_id=["case-1"])["written"].is_monotonic_increasing


def test_the_diagnosis_that_was_written_last_counts_though_the_clock_was_set_back(log, clock):
    log.append(predictions(0, 3), embeddings(3), "1")
    given = ["MM", "Nev", "BCC", "SebKer"]
    for days, diagnosis in zip(DAYS_AGO, given, strict=True):
        clock(days)
        file = log.folder / "diagnoses.csv"
        pd.DataFrame({"case_id": ["case-1"], "diagnosis": [diagnosis]}).to_csv(file, index=False)
        assert confirm(log, file, correct=True).accepted == 1
    assert read_confirmations(log)[0]["diagnosis"].tolist() == ["SebKer"]
    assert read_every_confirmation(log)["diagnosis"].tolist() == given
