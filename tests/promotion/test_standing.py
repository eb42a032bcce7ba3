"""A model that cannot show its floors yet may answer for a limited time, on a named person's word."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from dermai.errors import Refused
from dermai.promotion.history import champion_history
from dermai.promotion.shadow_mode import settle_challenger
from dermai.promotion.standing import champion_standing
from dermai.promotion.transaction import approve_current_policy, promote, reject, rollback
from dermai.records.log import records_of
from dermai.records.moves import Promotion, Refusal
from dermai.records.summary import summarise
from dermai.registry.registry import Registry
from tests.promotion.fleet import WHO
from tests.promotion.test_shadow_mode import confirm_all, log_answers

TODAY = datetime.now(UTC).date()


def name_provisional(fleet, version=None):
    return fleet.promote(version or fleet.candidate("insufficient_evidence"), provisional=True)


def last_promotion(fleet):
    return records_of(fleet.audit, Promotion)[-1].body


def test_it_is_recorded_with_what_is_not_shown_and_its_last_day_and_is_no_anchor(fleet):
    entry = name_provisional(fleet)
    assert fleet.aliases() == {"champion": "1"}
    terms = last_promotion(fleet).provisional
    assert terms.not_shown == ("the lower bound for MM is 0.61, under its floor of 0.70",)
    assert terms.until == TODAY + timedelta(days=fleet.params.gate.provisional.days)
    assert summarise(entry).startswith(f"provisional champion until {terms.until}, by Dr Silva (dermatologist)")
    assert fleet.registry.get("1").tags["provisional_until"] == terms.until.isoformat()
    assert fleet.audit.verify().ok


def test_it_answers_until_its_last_day_and_no_longer(fleet):
    name_provisional(fleet)
    standing = champion_standing(fleet.audit)
    assert standing.withheld() == "" == standing.withheld(standing.provisional.until)
    after = standing.provisional.until + timedelta(days=1)
    assert standing.withheld(after) == f"its time as provisional champion was over on {standing.provisional.until}"


def test_a_regular_champion_answers_without_an_end(fleet):
    fleet.champions(1)
    standing = champion_standing(fleet.audit)
    assert standing.provisional is None
    assert standing.withheld(date(2200, 1, 1)) == ""


@pytest.mark.parametrize(
    ("outcome", "said"), [("reject", "the gate found harm in version 1"), ("promote", "without --provisional")]
)
def test_only_a_candidate_whose_evidence_is_insufficient_can_be_provisional(fleet, outcome, said):
    version = fleet.candidate(outcome)
    with pytest.raises(Refused, match=said):
        name_provisional(fleet, version)
    assert records_of(fleet.audit, Refusal)[-1].body.version == version
    assert "champion" not in fleet.aliases()


def test_a_regular_champion_is_not_replaced_by_a_provisional_one(fleet):
    fleet.champions(1)
    with pytest.raises(Refused, match="version 1 is a regular champion"):
        name_provisional(fleet)


def test_a_person_must_be_named(fleet):
    version = fleet.candidate("insufficient_evidence")
    with pytest.raises(Refused, match="--approver is empty"):
        fleet.promote(version, provisional=True, approver=" ")


def test_uncommitted_data_makes_no_provisional_champion(fleet):
    version = fleet.candidate("insufficient_evidence", dirty="data/ differs from data.dvc")
    with pytest.raises(Refused, match=r"data/ differs from data\.dvc"):
        name_provisional(fleet, version)


def test_renewed_it_stands_once_in_the_history_and_keeps_the_way_back(fleet):
    name_provisional(fleet)
    name_provisional(fleet)  # version 2, compared with version 1
    entry = name_provisional(fleet, "2")
    assert "renewed" in summarise(entry)
    assert champion_history(fleet.audit) == ["1", "2"]
    assert last_promotion(fleet).rollback_target == "1"
    assert fleet.aliases() == {"champion": "2", "previous": "1"}


def test_a_candidate_that_passes_the_gate_takes_its_place_and_becomes_the_anchor(fleet):
    name_provisional(fleet)
    fleet.promote(fleet.candidate())
    assert fleet.aliases() == {"champion": "2", "anchor": "2", "previous": "1"}
    assert champion_standing(fleet.audit).provisional is None


def test_a_provisional_champion_that_a_rollback_brings_back_is_still_provisional(fleet):
    name_provisional(fleet)
    until = champion_standing(fleet.audit).provisional.until
    fleet.promote(fleet.candidate())
    rollback(fleet.workspace, fleet.params, **WHO)
    standing = champion_standing(fleet.audit)
    assert (standing.version, standing.provisional.until) == ("1", until)


def test_it_becomes_a_regular_champion_and_the_anchor_when_practice_has_shown_its_floors(fleet):
    name_provisional(fleet)
    confirm_all(fleet, log_answers(fleet, "1"))
    assert "Version 1 is now a regular champion" in settle_challenger(fleet.workspace, fleet.params)
    assert fleet.aliases() == {"champion": "1", "anchor": "1"}
    assert champion_history(fleet.audit) == ["1"]
    assert champion_standing(fleet.audit).provisional is None
    assert fleet.registry.get("1").tags["provisional_until"] == ""
    assert settle_challenger(fleet.workspace, fleet.params) == ""
    assert fleet.audit.verify().ok


def test_few_diagnoses_leave_it_provisional(fleet):
    name_provisional(fleet)
    diagnoses = log_answers(fleet, "1")
    confirm_all(fleet, diagnoses[diagnoses["diagnosis"] == "MM"].head(5))
    assert "provisional champion 1, 5 confirmed lesions: Keep going" in settle_challenger(fleet.workspace, fleet.params)
    assert champion_standing(fleet.audit).provisional is not None


def test_diagnoses_that_show_harm_end_its_answers_at_once_and_nobody_can_renew_it(fleet):
    name_provisional(fleet)
    confirm_all(fleet, log_answers(fleet, "1", wrong=0.7))
    assert "It answers no longer" in settle_challenger(fleet.workspace, fleet.params)
    assert "evidence of harm" in champion_standing(fleet.audit).withheld()
    assert fleet.registry.get("1").tags["provisional_until"] == "ended"
    with pytest.raises(Refused, match="answers no longer: confirmed diagnoses are evidence of harm"):
        name_provisional(fleet, "1")
    assert settle_challenger(fleet.workspace, fleet.params) == ""


def test_a_person_can_end_it_by_rejecting_it(fleet):
    name_provisional(fleet)
    reject(fleet.workspace, fleet.params, "1", **{**WHO, "reason": "worse on dark skin"})
    assert "rejected by Dr Silva" in champion_standing(fleet.audit).withheld()
    with pytest.raises(Refused, match="answers no longer"):
        promote(fleet.workspace, fleet.params, "1", **WHO)


def test_a_manual_policy_asks_a_person_before_it_becomes_regular(fleet):
    policy = fleet.params.gate.model_copy(update={"approval": "manual"})
    params = fleet.params.model_copy(update={"gate": policy})
    version = fleet.candidate("insufficient_evidence", policy=policy)
    approve_current_policy(fleet.workspace, params, **WHO)
    promote(fleet.workspace, params, version, **WHO, provisional=True)
    confirm_all(fleet, log_answers(fleet, version))
    assert "waits for a person" in settle_challenger(fleet.workspace, params)
    promote(fleet.workspace, params, version, **WHO)
    assert champion_standing(fleet.audit).provisional is None


def test_a_first_model_becomes_champion_by_daily_practice_without_ever_having_answered(fleet):
    fleet.candidate("insufficient_evidence")
    confirm_all(fleet, log_answers(fleet, "1"))
    assert "Version 1 is the champion" in settle_challenger(fleet.workspace, fleet.params)
    assert fleet.aliases() == {"champion": "1", "anchor": "1"}


def test_a_challenger_of_a_provisional_champion_takes_its_place_by_the_ordinary_rules(fleet):
    name_provisional(fleet)
    fleet.candidate("insufficient_evidence")
    log_answers(fleet, "1", wrong=0.5, cases=120)  # the second challenger of a reign has a quarter of the first's share
    confirm_all(fleet, log_answers(fleet, "2", cases=120))
    assert "Version 2 is the champion" in settle_challenger(fleet.workspace, fleet.params)
    assert fleet.aliases() == {"champion": "2", "anchor": "2", "previous": "1"}


def test_a_crash_before_the_alias_moved_is_finished_with_the_standing(fleet, monkeypatch):
    version = fleet.candidate("insufficient_evidence")
    with monkeypatch.context() as patched:
        patched.setattr(Registry, "set_alias", _killed)
        with pytest.raises(KeyboardInterrupt):
            name_provisional(fleet, version)
    fleet.candidate("reject")  # the next command repairs first
    assert fleet.aliases()["champion"] == "1"
    assert fleet.registry.get("1").tags["provisional_until"]


def _killed(*_):
    raise KeyboardInterrupt
