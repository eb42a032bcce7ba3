"""Triage goes on where no model may answer, and a provisional champion's answers are marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from dermai.config import load_params
from dermai.prediction_log.confirmations import confirm, read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.transaction import reject
from dermai.records.moves import ProvisionalTerms
from dermai.triage.run import run_triage
from dermai.triage.unanswered import NO_MODEL
from tests.promotion.fleet import WHO
from tests.triage.referrals import write_referrals

WHEN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    return write_referrals(tmp_path / "new", 4)


def triage(workspace, folder, output="out"):
    return run_triage(workspace, load_params(workspace.params_file), folder, workspace.root / output, WHEN)


def page(workspace, output="out"):
    return (workspace.root / output / "worklist.html").read_text()


def worklist(workspace, output="out"):
    return pd.read_csv(workspace.root / output / "worklist.csv", keep_default_na=False, dtype=str)


def logged(workspace, version):
    return PredictionLog(workspace.prediction_log).read(version).table


def end_its_time(fleet, monkeypatch):
    over = datetime.now(UTC).date() - timedelta(days=1)
    monkeypatch.setattr("dermai.promotion.transaction.last_day", lambda _: over)
    fleet.promote("1", provisional=True)


def test_a_new_service_without_any_model_gets_its_worklist_and_can_confirm(workspace, folder):
    done = triage(workspace, folder)
    assert (done.cases, done.model_version, done.withheld) == (4, "", "no model was made champion yet")
    assert set(worklist(workspace)["risk"]) == {"priority"}
    assert set(worklist(workspace)["malignant_probability"]) == {""}
    assert "No model's answers are shown" in page(workspace)
    assert len(logged(workspace, NO_MODEL)) == 4
    diagnoses = workspace.root / "diagnoses.csv"
    worklist(workspace)[["case_id"]].assign(diagnosis="Nev").to_csv(diagnoses, index=False)
    assert confirm(PredictionLog(workspace.prediction_log), diagnoses).accepted == 4
    assert len(read_confirmations(PredictionLog(workspace.prediction_log))[0]) == 4
    again = triage(workspace, folder)
    assert (again.cases, again.confirmed_before) == (0, 4)
    assert len(logged(workspace, NO_MODEL)) == 4, "nothing is logged twice"


def test_a_first_model_that_waits_scores_in_shadow_and_its_answers_are_not_shown(fleet, folder):
    version = fleet.candidate("insufficient_evidence")
    done = triage(fleet.workspace, folder)
    assert (done.model_version, done.challenger_version, done.cases) == ("", version, 4)
    assert logged(fleet.workspace, version)["role"].unique().tolist() == ["challenger"]
    assert "melanoma" not in page(fleet.workspace)


def test_a_provisional_champion_answers_and_the_page_says_what_is_not_shown(fleet, folder):
    fleet.promote(fleet.candidate("insufficient_evidence"), provisional=True)
    done = triage(fleet.workspace, folder)
    assert (done.model_version, done.withheld) == ("1", "")
    assert done.provisional_until is not None
    text = page(fleet.workspace)
    assert f"The model is provisional until {done.provisional_until}" in text
    assert "the lower bound for MM is 0.61, under its floor of 0.70" in text
    assert set(worklist(fleet.workspace)["risk"]) <= {"high_priority", "priority"}


def test_when_its_time_is_over_it_scores_on_but_no_answer_is_shown_until_it_is_renewed(fleet, folder, monkeypatch):
    fleet.candidate("insufficient_evidence")
    with monkeypatch.context() as past:
        end_its_time(fleet, past)
    done = triage(fleet.workspace, folder)
    assert "time as provisional champion was over" in done.withheld
    assert (done.model_version, done.cases, len(logged(fleet.workspace, "1"))) == ("", 4, 4)
    assert "melanoma" not in page(fleet.workspace)
    fleet.promote("1", provisional=True)
    assert triage(fleet.workspace, folder).model_version == "1"


def test_a_rejected_provisional_champion_answers_no_longer(fleet, folder):
    fleet.promote(fleet.candidate("insufficient_evidence"), provisional=True)
    reject(fleet.workspace, fleet.params, "1", **WHO)
    done = triage(fleet.workspace, folder)
    assert done.model_version == ""
    assert "rejected by Dr Silva" in done.withheld


def test_terms_are_read_back_as_they_were_written():
    terms = ProvisionalTerms(not_shown=("MM",), until=datetime(2027, 5, 1, tzinfo=UTC).date())
    assert ProvisionalTerms.model_validate(terms.model_dump(mode="json")) == terms
