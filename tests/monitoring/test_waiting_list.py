"""Who waits longer than the service wants."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.config import load_params
from dermai.prediction_log.confirmations import confirm
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.sortings import record_sortings
from dermai.prediction_log.waiting_cases import referred_cases
from monitoring.notices import waiting_notices
from monitoring.waiting_list import keep_waiting_list, kept_waiting_list, overdue_cases, waiting_list
from tests.web.visitors import overview_page

NOW = datetime.now(UTC)


@pytest.fixture
def log(workspace):
    return PredictionLog.of(workspace)


@pytest.fixture
def params(workspace):
    return load_params(workspace.params_file)


def referred(log, *cases, version="1", role="champion", site="simulated clinic"):
    """Cases as (name, level, days ago)."""
    rows = pd.DataFrame(
        {
            "image": [f"{abs(hash(name)):064x}"[:64] for name, _, _ in cases],
            "case_id": [name for name, _, _ in cases],
            "lesion_id": [f"l{name}" for name, _, _ in cases],
            "patient_id": [f"p{name}" for name, _, _ in cases],
            "risk": [level for _, level, _ in cases],
            "role": role,
            "site": site,
            "predicted_at": pd.to_datetime([NOW - timedelta(days=days, hours=1) for _, _, days in cases], utc=True),
        }
    )
    log.append(rows, np.zeros((len(rows), 2), np.float32), version)


def confirmed(log, tmp_path, *rows):
    file = tmp_path / "diagnoses.csv"
    pd.DataFrame(rows, columns=["case_id", "diagnosis", "confirmed_by"]).to_csv(file, index=False)
    assert confirm(log, file).refused.empty


def test_a_case_is_overdue_after_the_days_of_its_level(log, params, tmp_path):
    referred(log, ("a", "high_priority", 13), ("b", "high_priority", 20), ("c", "priority", 20), ("d", "priority", 60),
             ("e", "normal", 900), ("f", "high_priority", 30))  # fmt: skip
    confirmed(log, tmp_path, ("f", "MM", "reading"))
    late = overdue_cases(referred_cases(log), params, NOW)
    assert late[["case_id", "days"]].to_dict("list") == {"case_id": ["d", "b"], "days": [60, 20]}
    found = waiting_list(log, params, NOW)
    assert [(level.risk, level.waiting, level.overdue) for level in found.levels] == [
        ("high_priority", 2, 1), ("priority", 2, 1), ("normal", 1, 0),
    ]  # fmt: skip
    assert found.sentences[0] == "1 high-priority case without a diagnosis for more than 14 days (the longest: 20)."
    assert waiting_notices(found)[0].subject == "dermai: 2 cases overdue"
    assert "case" not in "".join(waiting_notices(found)[0].facts)


def test_what_was_to_be_read_and_never_confirmed_is_counted_after_its_follow_up(log, params, tmp_path):
    referred(log, ("a", "high_priority", 200), ("b", "priority", 200), ("c", "priority", 20), ("d", "normal", 200))
    confirmed(log, tmp_path, ("a", "MM", "histology"), ("b", "Nev", "reading"))
    found = waiting_list(log, params, NOW)
    assert (found.followed, found.unconfirmed) == (2, 1), "a reading does not count"
    assert "1 of 2 cases that were to be read have no diagnosis that counts" in found.sentences[-1]


def test_a_second_reading_waits_like_a_priority_case(log, params):
    referred(log, ("a", "normal", 60), ("b", "normal", 60))
    rows = {"patient_id": "p", "model_version": "1", "risk": "normal", "probability": 0.02}
    record_sortings(
        log, pd.DataFrame([{"case_id": "a", "drawn": True, **rows}, {"case_id": "b", "drawn": False, **rows}]), NOW
    )
    assert list(overdue_cases(referred_cases(log), params, NOW)["case_id"]) == ["a"]


def test_the_newest_model_says_under_which_level_and_a_challenger_says_nothing(log):
    referred(log, ("a", "normal", 60))
    referred(log, ("a", "high_priority", 30), version="2")
    referred(log, ("a", "priority", 10), version="3", role="challenger")
    found = referred_cases(log)
    assert found["risk"].tolist() == ["high_priority"]
    assert (NOW - found["referred_at"].iloc[0]).days == 60


def test_for_patients_who_exist_the_day_of_writing_counts(log, params):
    referred(log, ("a", "high_priority", 60), site="Porto")
    assert overdue_cases(referred_cases(log), params, NOW).empty


def test_without_referrals_nobody_waits(log, params):
    assert waiting_list(log, params, NOW).sentences == ()


def test_the_command_lists_them_and_the_start_page_counts_them(workspace, registry, log, params, tmp_path):
    referred(log, ("caaa", "high_priority", 20), ("cbbb", "high_priority", 3))
    file = tmp_path / "overdue.csv"
    said = CliRunner().invoke(application, ["overdue", "--output", str(file)]).output
    assert "caaa: high priority, 20 days" in said
    assert list(pd.read_csv(file)["case_id"]) == ["caaa"]
    assert kept_waiting_list(workspace).levels == keep_waiting_list(workspace, params).levels
    page = overview_page(workspace)
    assert "Who waits?" in page
    assert "caaa" not in page
    told = CliRunner().invoke(application, ["tell"])
    assert "dermai: 1 case overdue" in told.output
