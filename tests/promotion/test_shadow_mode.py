"""A challenger in shadow is settled by the diagnoses that come back, and only by those it could not have known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from dermai.prediction_log.confirmations import confirm
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.policy_approval import approve_policy
from dermai.promotion.shadow_mode import settle_challenger
from dermai.records.log import records_of
from dermai.records.moves import ShadowDecisionRecord
from tests.packages import CLASSES
from tests.promotion.fleet import WHO

PER_CLASS = 80


@pytest.fixture
def waiting(fleet):
    """A champion, and a candidate that waits as challenger."""
    fleet.champions(1)
    fleet.candidate("insufficient_evidence")
    return fleet


REFERRED, CONFIRMED = (datetime.now(UTC) - timedelta(days=days) for days in (200, 60))


def log_answers(fleet, version, wrong=0.0, seed=0, cases=PER_CLASS, named="", referred=REFERRED):
    """One photograph a case of each class, answered rightly but for a share of the melanomas, called nevi."""
    truth = np.repeat(CLASSES, cases)
    answers = np.where((truth == "MM") & (np.random.default_rng(seed).random(len(truth)) < wrong), "Nev", truth)
    names = [f"{named}{code}-{number}" for number, code in enumerate(truth)]
    rows = pd.DataFrame(dict.fromkeys(("image", "case_id", "patient_id", "lesion_id"), names))
    rows = rows.assign(
        **{f"p_{code}": np.where(answers == code, 0.9, 0.05) for code in CLASSES},
        predicted=answers,
        predicted_at=pd.Timestamp(referred),
    )
    log = PredictionLog(fleet.workspace.prediction_log)
    log.append(rows, np.zeros((len(rows), 2), dtype=np.float32), version)
    return pd.DataFrame({"case_id": names, "diagnosis": truth})


def confirm_all(fleet, table, on=CONFIRMED, by="histology"):
    file = fleet.workspace.root / "diagnoses.csv"
    table = table.assign(confirmed_by=by, confirmed_on=f"{on:%Y-%m-%d}")
    table.to_csv(file, index=False)
    confirm(PredictionLog(fleet.workspace.prediction_log), file)


def test_without_a_challenger_there_is_nothing_to_say(fleet):
    fleet.champions(1)
    assert settle_challenger(fleet.workspace, fleet.params) == ""


def test_before_the_first_diagnosis_it_keeps_waiting_and_writes_nothing(waiting):
    for version in ("1", "2"):
        log_answers(waiting, version)
    before = waiting.events()
    assert "no lesion" in settle_challenger(waiting.workspace, waiting.params)
    assert waiting.events() == before


@pytest.mark.parametrize("logged", [(), ("2",)], ids=["no photograph", "photographs of one model only"])
def test_before_anything_was_triaged_it_waits(waiting, logged):
    for version in logged:
        confirm_all(waiting, log_answers(waiting, version))
    assert "no lesion" in settle_challenger(waiting.workspace, waiting.params)


def test_an_equal_challenger_is_promoted_once_practice_has_shown_it(waiting):
    for version in ("1", "2"):
        diagnoses = log_answers(waiting, version)
    confirm_all(waiting, diagnoses)
    assert "Version 2 is the champion" in settle_challenger(waiting.workspace, waiting.params)
    assert waiting.aliases()["champion"] == "2"
    assert waiting.events()[-3:] == ["shadow_decision", "promotion", "confirmation"]
    assert settle_challenger(waiting.workspace, waiting.params) == ""


def test_with_few_diagnoses_it_waits_and_the_same_look_is_written_once(waiting):
    for version in ("1", "2"):
        diagnoses = log_answers(waiting, version)
    confirm_all(waiting, diagnoses[diagnoses["diagnosis"] == "MM"].head(5))
    for _ in range(2):
        assert "5 confirmed lesions" in settle_challenger(waiting.workspace, waiting.params)
    assert waiting.events().count("shadow_decision") == 1
    assert waiting.aliases()["challenger"] == "2"


def test_a_challenger_that_misses_melanomas_is_rejected(waiting):
    log_answers(waiting, "1")
    confirm_all(waiting, log_answers(waiting, "2", wrong=0.7))
    assert "Version 2 is rejected" in settle_challenger(waiting.workspace, waiting.params)
    assert waiting.aliases()["champion"] == "1"
    assert "challenger" not in waiting.aliases()


def test_a_person_is_asked_where_the_policy_says_so(fleet):
    params = fleet.params.model_copy(update={"gate": fleet.params.gate.model_copy(update={"approval": "manual"})})
    fleet.champions(1)
    fleet.candidate("insufficient_evidence", policy=params.gate)
    for version in ("1", "2"):
        diagnoses = log_answers(fleet, version)
    confirm_all(fleet, diagnoses)
    assert "waits for a person" in settle_challenger(fleet.workspace, params)
    assert fleet.aliases()["champion"] == "1"


def test_a_diagnosis_that_was_known_before_the_challenger_was_made_does_not_count(fleet):
    fleet.champions(1)
    diagnoses = log_answers(fleet, "1")
    confirm_all(fleet, diagnoses)
    fleet.candidate("insufficient_evidence")
    log_answers(fleet, "2")
    assert "no lesion" in settle_challenger(fleet.workspace, fleet.params)


def test_an_anchor_of_its_own_is_compared_with_too(fleet):
    fleet.champions(2)
    fleet.candidate("insufficient_evidence")
    for version in ("1", "2", "3"):
        diagnoses = log_answers(fleet, version)
    confirm_all(fleet, diagnoses)
    assert "Version 3 is the champion" in settle_challenger(fleet.workspace, fleet.params)
    against = {test.against for test in records_of(fleet.audit, ShadowDecisionRecord)[-1].body.decision.tests}
    assert against == {"floor", "champion", "anchor"}


def test_referrals_whose_follow_up_still_runs_do_not_count(waiting):
    for version in ("1", "2"):
        diagnoses = log_answers(waiting, version, referred=datetime.now(UTC) - timedelta(days=100))
    confirm_all(waiting, diagnoses)
    assert "180 days of follow-up" in settle_challenger(waiting.workspace, waiting.params)


def test_patients_whom_a_model_learnt_do_not_count(waiting, monkeypatch):
    for version in ("1", "2"):
        diagnoses = log_answers(waiting, version)
    confirm_all(waiting, diagnoses)
    learnt = {f"MM-{number}" for number in range(1000)}
    monkeypatch.setattr("dermai.promotion.shadow_answers.learnt_patients", lambda packages: learnt)
    settle_challenger(waiting.workspace, waiting.params)
    decision = records_of(waiting.audit, ShadowDecisionRecord)[-1].body.decision
    assert {test.lesions for test in decision.tests if test.about == "MM"} == {0}
    assert decision.lesions == 2 * PER_CLASS


def test_melanomas_without_histology_do_not_count_and_are_named(waiting):
    for version in ("1", "2"):
        diagnoses = log_answers(waiting, version)
    confirm_all(waiting, diagnoses, by="consensus")
    settle_challenger(waiting.workspace, waiting.params)
    decision = records_of(waiting.audit, ShadowDecisionRecord)[-1].body.decision
    assert decision.outcome == "insufficient_evidence"
    assert decision.lesions == PER_CLASS
    assert decision.not_counted == tuple(
        f"{PER_CLASS} confirmed {code} without histology do not count." for code in ("BCC", "MM")
    )
    assert set(decision.not_counted) < set(decision.reasons)


@pytest.mark.parametrize(("carry_over", "promoted"), [(20, True), (0, False), (100, False)])
def test_a_later_challenger_of_the_recipe_is_promoted_with_what_the_one_before_it_showed(fleet, carry_over, promoted):
    shadow = fleet.params.gate.shadow.model_copy(update={"carry_over": carry_over})
    gate = fleet.params.gate.model_copy(update={"shadow": shadow})
    params = fleet.params.model_copy(update={"gate": gate})
    fleet.champions(1)
    approve_policy(fleet.audit, gate, **WHO)
    fleet.candidate("insufficient_evidence", policy=gate)
    diagnoses = [log_answers(fleet, version, named="first") for version in ("1", "2")][:1]
    fleet.candidate("insufficient_evidence", policy=gate)
    diagnoses += [log_answers(fleet, version, named="second") for version in ("1", "3")][:1]
    confirm_all(fleet, pd.concat(diagnoses))
    said = settle_challenger(fleet.workspace, params)
    decision = records_of(fleet.audit, ShadowDecisionRecord)[-1].body.decision
    melanoma = next(test for test in decision.tests if (test.about, test.against) == ("MM", "champion"))
    assert ("Version 3 is the champion" in said) == promoted, said
    assert melanoma.patients == PER_CLASS
    if carry_over:
        assert (melanoma.series.challengers, melanoma.series.patients) == (2, 2 * PER_CLASS)
        assert melanoma.series.largest_e_value > melanoma.series.threshold > melanoma.series.own_threshold
        assert (melanoma.on == "daily practice with earlier challengers") == promoted
    else:
        assert melanoma.series is None
    if carry_over == 100:
        assert any("the 2 challengers of this recipe showed" in reason for reason in decision.reasons)
