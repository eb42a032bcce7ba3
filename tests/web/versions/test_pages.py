"""Which versions there were, what was decided on each, and which was in production on a day."""

from __future__ import annotations

from datetime import date, timedelta

from dermai.records.withdrawals import WithdrawalBegun
from dermai.registry.champion import ModelReference
from tests.promotion.fleet import WHO, Fleet
from tests.report.test_model_card import evaluation


def test_versions_are_listed_with_their_decisions_and_times_in_production(fleet: Fleet, signed_in) -> None:
    fleet.champions(2)
    fleet.candidate("insufficient_evidence")
    shown = signed_in("manager").get("/models").text
    assert shown.index("insufficient evidence") < shown.index("to now: Dr Silva (dermatologist)")
    assert "never" in shown


def test_the_version_of_a_day_is_named_with_who_made_it_so(fleet: Fleet, signed_in) -> None:
    fleet.champions(2)
    auditor, today = signed_in("auditor"), date.today()
    assert "<b>version 2</b>" in auditor.get(f"/models?on={today}").text
    assert "reviewed the report" in auditor.get(f"/models?on={today}").text
    assert "no version was in production" in auditor.get(f"/models?on={today - timedelta(days=9)}").text
    assert 'href="/records/' in auditor.get(f"/models?on={today}").text
    assert 'href="/records/' not in signed_in("manager").get(f"/models?on={today}").text, "who may open it is led there"
    wrong = auditor.get("/models?on=yesterday")
    assert (wrong.status_code, "is no date" in wrong.text) == (422, True)


def test_before_the_first_model_the_page_says_so(signed_in) -> None:
    assert "No model was made yet" in signed_in("engineer").get("/models").text
    assert signed_in("practice").get("/models").status_code == 403


def test_the_sensitivities_of_each_version_are_plotted_and_listed(fleet: Fleet, signed_in) -> None:
    fleet.candidate(evaluation={"candidate": evaluation(9, 12)})
    shown = signed_in("manager").get("/models").text
    assert "Sensitivity for Malignant melanoma (MM)" in shown
    assert "75\xa0% (43–95\xa0%), 9 of 12" in shown


def test_a_version_that_learnt_a_withdrawn_patient_is_marked(fleet: Fleet, signed_in) -> None:
    fleet.champions(1)
    champion = ModelReference.of(fleet.registry.get("1"))
    begun = {"withdrawal": "w", "file_sha256": "f", "photographs": 1, "traces": {}, "learnt_by": (champion,)}
    fleet.audit.append(WithdrawalBegun(**WHO, **begun))
    assert "It learnt a patient who took consent back" in signed_in("manager").get("/models").text
