"""The story that a log tells of models, here the log of an earlier release."""

from dermai.ci.outcome import job_outcome
from dermai.ci.summary import summary
from dermai.config import Params
from dermai.gate.policy import GatePolicy, ReferenceStandards
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.promotion.history import (
    challenger_number,
    champion_history,
    latest_attempt,
    latest_decision,
    waiting_version,
)
from dermai.promotion.policy_approval import changes_since_approval, policy_approval
from dermai.promotion.status import read_status
from dermai.records.moves import ShadowDecisionRecord
from dermai.report.technical_documentation import technical_documentation
from tests.records.made import restored


def test_champions_decisions_and_what_waits_are_found_in_a_log_of_an_earlier_release(stored_log):
    assert champion_history(stored_log) == ["1"]  # version 2 was rolled back, the promotion of version 4 is void
    decision = latest_decision(stored_log, "2")
    assert (decision.sequence, type(decision.body)) == (8, ShadowDecisionRecord)
    assert latest_attempt(stored_log, "2").sequence == 6
    assert latest_attempt(stored_log, "7") is None
    assert waiting_version(stored_log) == "5"


AS_BEFORE = GatePolicy(
    approval="manual",
    reference_standards={"test_patients": "every_diagnosis"},
    all_lesions={"promotes": "never"},
    shadow={"alpha": 0.05, "carry_over": 0},
)


def test_its_approval_holds_under_this_release_for_a_policy_that_decides_alike(stored_log):
    manual = AS_BEFORE
    shipped = GatePolicy()
    assert policy_approval(stored_log, RecordedPolicy.of(manual), manual.hash).sequence == 27
    assert policy_approval(stored_log, RecordedPolicy.of(shipped), shipped.hash) is None
    stricter = AS_BEFORE.model_copy(update={"reference_standards": ReferenceStandards()})
    assert changes_since_approval(stored_log, RecordedPolicy.of(stricter), stricter.hash) == (
        'reference_standards.test_patients from "every_diagnosis" to "confirmed"',
    )


def test_its_updates_are_told_as_jobs_would(stored_log):
    entries = stored_log.entries()
    commit = latest_attempt(stored_log, "1").body.code.commit
    assert job_outcome(entries[:3], commit).result == "promoted"
    text = summary(job_outcome(entries[:6], commit))
    assert text.startswith("## Version 2: not enough evidence yet")
    assert "| training | 16 s on cpu |" in text
    assert job_outcome(entries[:15], commit).result == "failed"


def test_status_and_documentation_are_made_from_it(registry, stored_log):
    registry.workspace.audit_log.parent.mkdir(parents=True)
    for file in (stored_log.path, stored_log.head_file, stored_log.public_key_file):
        file.replace(registry.workspace.audit_log.with_suffix(file.suffix))
    params = Params(gate=AS_BEFORE)
    status = read_status(registry.workspace, params)
    assert status.policy_approved
    assert (status.pending.version, status.pending.outcome) == ("5", "promote")
    assert status.problems == (
        "the registry's champion is none, the records name 1: the alias was moved outside dermai; "
        "settle it with `dermai rollback --to 1 ...`",
    )
    page = technical_documentation(type(stored_log)(registry.workspace.audit_log), None, params)
    assert "four eyes. The policy above." in page
    assert "Sets of photographs" in page


def test_each_challenger_of_a_reign_has_its_number_and_a_promotion_on_evidence_begins_anew(fleet):
    def number(version):
        return challenger_number(fleet.audit, latest_attempt(fleet.audit, version))

    first = fleet.candidate("insufficient_evidence")
    fleet.promote(first, provisional=True)
    second = fleet.candidate("insufficient_evidence")
    assert (number(first), number(second)) == (1, 2)
    fleet.promote(fleet.candidate())
    later = fleet.candidate("insufficient_evidence")
    assert (number(first), number(second), number(later)) == (1, 2, 1)


def test_a_record_that_was_lost_may_have_been_of_a_challenger(fleet):
    fleet.audit.append(restored(0))
    fleet.candidate("insufficient_evidence")
    fleet.audit.append(restored(3))
    second = fleet.candidate("insufficient_evidence")
    assert challenger_number(fleet.audit, latest_attempt(fleet.audit, second)) == 5
    fleet.promote(second, provisional=True)
    fleet.promote(fleet.candidate())
    later = fleet.candidate("insufficient_evidence")
    assert challenger_number(fleet.audit, latest_attempt(fleet.audit, later)) == 1
