"""Decisions in the browser: by a clinical lead, with a reason and the password, through the rules of the commands."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from dermai.audit import AuditLog
from dermai.errors import Refused
from dermai.gate.policy import GatePolicy
from dermai.promotion.policy_approval import approve_policy
from dermai.records.log import records_of
from dermai.records.moves import FirstApproval, Promotion, Refusal, Rejection
from tests.promotion.fleet import WHO, Fleet
from tests.web.visitors import PASSWORD, csrf_of, show
from web.decisions.actions import check_nothing_new, newest_decisive


@pytest.fixture
def workspace(workspace):
    (workspace.root / "params.yaml").write_text("gate: {approval: manual}\n")
    return workspace


@pytest.fixture
def fleet(fleet: Fleet) -> Fleet:
    approve_policy(fleet.audit, fleet.params.gate, approver="A test", role="test", reason="a person decides")
    return fleet


def form(fleet: Fleet, about: str = "", **changes: str) -> dict[str, str]:
    return {"seen": str(newest_decisive(fleet.audit)), "about": about, "reason": "report reviewed",
            "password": PASSWORD, **changes}  # fmt: skip


def test_a_clinical_lead_sees_the_evidence_and_approves_with_a_reason(fleet: Fleet, signed_in) -> None:
    version, lead = fleet.candidate(), signed_in("clinical lead")
    shown = lead.get("/decisions").text
    assert "the lower bound for MM is 0.61, under its floor of 0.70" in shown
    assert f"Approve version {version}" in shown
    answer = lead.post("/decisions/promote", data=form(fleet, version))
    assert (answer.status_code, fleet.aliases()["champion"]) == (303, version)
    assert "first champion, by A clinical lead" in lead.get(answer.headers["location"]).text
    (promotion,) = records_of(fleet.audit, Promotion)
    assert (promotion.body.approver, promotion.body.account, promotion.body.role, promotion.body.reason) == (
        "A clinical lead", "clinical.lead", "clinical lead", "report reviewed",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"password": "not it"}, 401, "This is not the password of your account"),
        ({"reason": "  "}, 409, "say why"),
        ({"about": "9"}, 422, "9"),
        ({"seen": "1"}, 409, "since you opened the page, record"),
    ],
)
def test_nothing_is_decided_without_all_that_a_decision_needs(
    fleet: Fleet, signed_in, wrong: dict[str, str], status: int, said: str
) -> None:
    version, lead = fleet.candidate(), signed_in("clinical lead")
    answer = lead.post("/decisions/promote", data={**form(fleet, version), **wrong})
    assert answer.status_code == status
    assert said in answer.text
    assert "champion" not in fleet.aliases()


def test_what_strangers_guess_under_a_lead_s_name_keeps_the_lead_from_nothing(fleet: Fleet, signed_in, service) -> None:
    version, lead = fleet.candidate(), signed_in("clinical lead")
    guess = {"csrf": csrf_of(service.get("/sign-in").text), "name": "clinical.lead", "password": "a guess"}
    assert [service.post("/sign-in", data=guess).status_code for _ in range(9)] == [401] * 8 + [429]
    assert lead.post("/decisions/promote", data=form(fleet, version)).status_code == 303
    assert fleet.aliases()["champion"] == version


def test_whoever_took_a_session_s_cookie_guesses_eight_times_and_other_sessions_go_on(fleet: Fleet, signed_in) -> None:
    version, taken, lead = fleet.candidate(), signed_in("clinical lead"), signed_in("clinical lead")
    wrong = form(fleet, version, password="a guess")
    tried = [taken.post("/decisions/promote", data=wrong).status_code for _ in range(9)]
    assert tried == [401] * 8 + [429]
    assert taken.post("/decisions/promote", data=form(fleet, version)).status_code == 429
    changed = taken.post("/account/password", data={"old": PASSWORD, "new": "n" * 20, "again": "n" * 20})
    assert changed.status_code == 422
    assert lead.post("/decisions/promote", data=form(fleet, version)).status_code == 303


def test_the_rules_of_the_commands_hold_and_a_refusal_is_recorded(fleet: Fleet, signed_in) -> None:
    version = fleet.candidate("insufficient_evidence")
    answer = signed_in("clinical lead").post("/decisions/promote", data=form(fleet, version))
    assert answer.status_code == 409
    assert "outcome for version 1 is insufficient evidence" in answer.text
    assert records_of(fleet.audit, Refusal)[-1].body.approver == "A clinical lead"


def test_a_version_is_named_provisional_rejected_or_rolled_back(fleet: Fleet, signed_in) -> None:
    lead, version = signed_in("clinical lead"), fleet.candidate("insufficient_evidence")
    assert "Name version 1 provisional champion" in lead.get("/decisions").text
    assert lead.post("/decisions/provisional", data=form(fleet, version)).status_code == 303
    assert "provisional until" in lead.get("/decisions").text
    for _ in range(2):
        fleet.promote(fleet.candidate())
    assert lead.post("/decisions/rollback", data=form(fleet, "2")).status_code == 303
    assert fleet.aliases()["champion"] == "2"
    turned_down = fleet.candidate()
    assert lead.post("/decisions/reject", data=form(fleet, turned_down)).status_code == 303
    assert records_of(fleet.audit, Rejection)[-1].body.version == turned_down


def test_two_persons_decide_where_the_policy_says_so(fleet: Fleet, signed_in, workspace) -> None:
    (workspace.root / "params.yaml").write_text("gate: {approval: two_persons}\n")
    two = GatePolicy(approval="two_persons")
    approve_policy(fleet.audit, two, approver="A test", role="test", reason="two persons")
    version, lead = fleet.candidate(policy=two), signed_in("clinical lead")
    fleet.promote(version, **WHO)
    shown = lead.get("/decisions").text
    assert "Dr Silva" in shown
    assert "A second person has to" in shown
    assert len(records_of(fleet.audit, FirstApproval)) == 1
    lead.post("/decisions/promote", data=form(fleet, version))
    assert fleet.aliases()["champion"] == version


@pytest.mark.parametrize("role", ["dermatologist", "manager", "auditor", "engineer"])
def test_others_of_the_team_see_what_waits_and_decide_nothing(fleet: Fleet, signed_in, role: str) -> None:
    version, visitor = fleet.candidate(), signed_in(role)
    shown = visitor.get("/decisions").text
    assert "What waits" in shown
    assert "Your password again" not in shown
    assert visitor.post("/decisions/promote", data=form(fleet, version)).status_code == 403
    assert "champion" not in fleet.aliases()


def test_who_may_not_read_the_audit_log_finds_no_record_of_it_on_this_page(fleet: Fleet, signed_in) -> None:
    fleet.promote(fleet.candidate(), **WHO)
    for number in range(1, len(fleet.audit.entries()) + 1):
        assert f"Record {number}" not in signed_in("manager").get(f"/decisions?done={number}").text


def test_a_page_that_is_older_than_a_restored_backup_decides_nothing(fleet: Fleet) -> None:
    with pytest.raises(Refused, match="since you opened the page"):
        check_nothing_new(fleet.audit, newest_decisive(fleet.audit) + 5)


def test_a_practice_sees_no_decision(service: TestClient, signed_in) -> None:
    assert signed_in("practice").get("/decisions").status_code == 403
    assert service.get("/decisions").status_code == 303


def test_a_reason_is_text_and_never_a_part_of_the_page(fleet: Fleet, signed_in) -> None:
    version, lead = fleet.candidate("insufficient_evidence"), signed_in("clinical lead")
    answer = lead.post("/decisions/promote", data=form(fleet, version, reason="<script>alert(1)</script>"))
    assert "<script>alert" not in answer.text
    assert AuditLog(fleet.workspace.audit_log).verify().ok


def test_a_clinical_lead_approves_in_a_browser(fleet: Fleet, live, browser) -> None:
    version = fleet.candidate()
    show(browser, 1280, height=2000)
    live.enter(browser, live.add("clinical lead"), "/decisions")
    way = browser.find_element("css selector", "details.way")
    way.find_element("tag name", "summary").click()
    way.find_element("name", "reason").send_keys("the report was reviewed by two of us")
    way.find_element("name", "password").send_keys(PASSWORD)
    way.find_element("tag name", "button").click()
    assert "by A clinical lead" in browser.find_element("css selector", ".done").text
    assert fleet.aliases()["champion"] == version
    assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
