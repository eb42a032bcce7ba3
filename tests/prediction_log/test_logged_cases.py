"""Which cases the log knows, without reading it anew for each question."""

import numpy as np
import pandas as pd
import pytest

from dermai.prediction_log import logged_cases
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.logged_cases import KnownUnder, LoggedCases
from dermai.prediction_log.retakes import record_retakes

NOW = pd.Timestamp("2026-03-02", tz="UTC")


@pytest.fixture
def log(tmp_path):
    return PredictionLog(tmp_path / "log", tmp_path / "cache")


def append(log, *cases, site="Porto", version="1"):
    rows = pd.DataFrame({"case_id": cases}).assign(lesion_id="l", site=site, role="champion", risk="normal")
    rows = rows.assign(image="i" + rows["case_id"], patient_id="p" + rows["case_id"], predicted_at=NOW)
    log.append(rows, np.zeros((len(rows), 2), dtype=np.float32), version)


def test_a_case_is_known_under_its_site_and_patient_from_the_moment_it_is_logged(log):
    cases = LoggedCases(log)
    assert cases.known_under("c1") == KnownUnder()
    append(log, "c1", "c2")
    assert cases.known_under("c1") == KnownUnder(frozenset({"Porto"}), frozenset({"pc1"}), "normal")
    append(log, "c3", site="", version="2")
    assert cases.known_under("c3").sites == {""}
    assert cases.known_under("c9") == KnownUnder()


def test_a_case_of_which_no_photograph_could_be_judged_is_known_by_its_site(log):
    cases = LoggedCases(log)
    rows = pd.DataFrame([{"file": "a.jpg", "case_id": "c1", "site": "Braga", "device": "", "reason": "blurred"}])
    record_retakes(log, rows, NOW)
    assert cases.known_under("c1") == KnownUnder(frozenset({"Braga"}))


def test_a_new_number_opens_no_part_and_a_later_start_none_that_is_indexed(log, monkeypatch):
    append(log, "c1")
    append(log, "c2")
    LoggedCases(log).known_under("c1")
    read, plain = [], logged_cases.column_hashes
    monkeypatch.setattr(logged_cases, "column_hashes", lambda part, name: read.append(part) or plain(part, name))
    cases = LoggedCases(log)
    for number in range(20):
        assert cases.known_under(f"new {number}") == KnownUnder()
    assert read == []
    append(log, "c3")
    assert cases.known_under("c3").patients == {"pc3"}
    assert len(read) == 1


def test_many_cases_are_kept_in_order_and_found(log, monkeypatch):
    monkeypatch.setattr(logged_cases, "MERGED", 3)
    cases = LoggedCases(log)
    for first in range(0, 12, 4):
        append(log, *(f"c{number}" for number in range(first, first + 4)))
        assert cases.known_under(f"c{first}").patients == {f"pc{first}"}
    assert all(cases.known_under(f"c{number}").patients == {f"pc{number}"} for number in range(12))
