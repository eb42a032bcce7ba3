"""The ledger file of an earlier release is taken over into the signed log, once."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from dermai.audit import AuditLog
from dermai.doctor.records import check_ledger
from dermai.errors import DermaiError, Refused
from dermai.files import sha256_file
from dermai.gate import ledger
from dermai.gate.decision import decide
from dermai.gate.judgement import Judgement
from dermai.gate.ledger import NOTHING_LEFT, Result, accounts, next_use, status
from dermai.gate.policy import GatePolicy
from dermai.promotion.judgement import judge
from dermai.promotion.test_set_ledger import LedgerDamaged, ledger_lines, ledger_problem, take_over_damaged
from dermai.records.log import records_of
from dermai.records.summary import summarise
from dermai.records.test_set_ledger import LedgerTakeover
from dermai.records.update_record import TestSetRecord
from tests.gate.simulated import first_hit, lesions
from tests.promotion.fleet import WHO
from tests.records.made import restored

POLICY = GatePolicy()
GOOD = lesions({code: first_hit(90, 100) for code in ("MM", "BCC", "Nev")})
POOL = ledger.test_patients(POLICY, GOOD, compared=True)


def earlier_lines(uses):
    """So many rejected candidates, as an earlier release wrote them: without the hash of the rows."""
    lines = []
    for number in range(uses):
        use = next_use(lines, POLICY, POOL, evaluated="", candidate=str(number), champion="c")
        lines += [use, Result(number=use.number, at="", outcome="reject")]
    return lines


def written(workspace, lines, damage=""):
    workspace.ledger.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line.model_dump(mode="json")) + "\n" for line in lines)
    workspace.ledger.write_text(text + damage, encoding="utf-8")


def ask(workspace):
    return judge(workspace, POLICY, GOOD, GOOD, candidate_id="new", champion_id="c")


@pytest.fixture
def audit(workspace):
    return AuditLog(workspace.audit_log)


def test_it_is_taken_over_by_the_next_use_with_the_files_hash(workspace, audit):
    lines = earlier_lines(2)
    written(workspace, lines)
    (found,) = check_ledger(workspace, None)
    assert (found.state, found.fix) == ("warning", "the next update takes it over")
    use = ask(workspace).use
    record = records_of(audit, LedgerTakeover)[0].body
    assert record.file_sha256 == sha256_file(workspace.ledger)
    assert list(record.lines) == lines
    assert use.number == 3
    assert use.level == pytest.approx(POLICY.ledger.spend * min(a.wealth for a in accounts(lines).values()))
    assert summarise(audit.entries("ledger_takeover")[0]).startswith("2 uses of the test patients taken over from the")
    assert [found.state for found in check_ledger(workspace, None)] == ["ok"]


@pytest.mark.parametrize("change", ["deleted", "edited", "emptied"])
def test_what_happens_to_the_file_afterwards_changes_nothing(workspace, audit, change):
    written(workspace, earlier_lines(2))
    ask(workspace)
    before = ledger_lines(audit)
    if change == "deleted":
        workspace.ledger.unlink()
    else:
        workspace.ledger.write_text("" if change == "emptied" else "x\n", encoding="utf-8")
    assert ask(workspace).repeated
    assert ledger_lines(audit) == before
    assert audit.verify().ok


def test_a_line_that_a_crash_cut_short_is_left_out(workspace, audit):
    written(workspace, earlier_lines(1), damage='{"event":"use","num')
    assert ask(workspace).use.number == 2


@pytest.mark.parametrize("damage", ["not json\n", '{"event":"result","number":9,"at":"","outcome":"promote"}\n'])
def test_a_damaged_file_stops_the_update_and_names_the_way_on(workspace, audit, damage):
    written(workspace, earlier_lines(2), damage)
    with pytest.raises(LedgerDamaged, match=r"line 5 cannot be read.*dermai gate take-over-ledger"):
        ask(workspace)
    assert audit.entries() == []
    (found,) = check_ledger(workspace, None)
    assert (found.state, "dermai gate take-over-ledger" in found.fix) == ("problem", True)
    assert ledger_problem(workspace, audit)


def test_a_named_person_takes_a_damaged_file_over_and_its_patients_have_no_budget_left(workspace, audit):
    written(workspace, earlier_lines(1), "not json\n")
    with pytest.raises(Refused):
        take_over_damaged(workspace, **{**WHO, "reason": " "})
    take_over_damaged(workspace, **WHO)
    record = records_of(audit, LedgerTakeover)[0].body
    assert (record.unreadable, record.approver) == ((3,), "Dr Silva")
    assert all(account.wealth == 0 for account in accounts(ledger_lines(audit)).values())
    assert ledger_problem(workspace, audit) == ""
    with pytest.raises(DermaiError, match="nothing to take over"):
        take_over_damaged(workspace, **WHO)


@pytest.fixture
def recorded(fleet):
    """An attempt of an earlier release: its record holds the use that the ledger file has too."""
    use = earlier_lines(1)[0]
    decision = decide(POLICY, GOOD, GOOD, alpha=use.level)
    judged = Judgement(decision=decision, use=use, repeated=False, accounts=status([use], POLICY))
    fleet.candidate("reject", test_set=TestSetRecord.of(judged))
    return fleet


def test_without_its_file_the_ledger_is_what_the_records_of_attempts_say(recorded):
    """Deleted before the upgrade, the file would have given the whole budget back."""
    use = ask(recorded.workspace).use
    assert use.number == 2
    assert records_of(recorded.audit, LedgerTakeover)[0].body.file_sha256 == ""
    assert use.level < POLICY.ledger.spend * POLICY.test_set_alpha


@pytest.mark.parametrize("change", ["edited", "left out"])
def test_a_file_that_the_records_contradict_is_damaged(recorded, change):
    use, result = earlier_lines(1)
    lines = [use.model_copy(update={"spends": False}), result] if change == "edited" else []
    written(recorded.workspace, lines)
    with pytest.raises(LedgerDamaged, match="of the audit log says otherwise"):
        ask(recorded.workspace)
    take_over_damaged(recorded.workspace, **WHO)
    assert ledger_lines(recorded.audit)[0] == use


def test_a_workspace_without_a_ledger_takes_nothing_over(workspace, audit):
    ask(workspace)
    assert audit.entries("ledger_takeover") == []


def test_where_records_were_lost_they_may_have_spent_the_budget_on_any_patient(workspace, audit):
    assert ask(workspace).use.level > NOTHING_LEFT
    audit.append(restored(0))
    assert accounts(ledger_lines(audit))["MM"].wealth > 0
    audit.append(restored(2))
    other = judge(workspace, POLICY, GOOD, GOOD, candidate_id="retried", champion_id="c")
    assert (other.use.level, other.decision.outcome) == (NOTHING_LEFT, "insufficient_evidence")
    hits = {code: first_hit(90, 100) for code in ("MM", "BCC", "Nev")}
    new = lesions(hits, np.array([f"new patient {number}" for number in range(300)]))
    assert judge(workspace, POLICY, new, new, candidate_id="later", champion_id="c").use.level > 0.001


def test_a_log_that_was_begun_anew_has_no_budget_for_the_patients_of_its_first_use(workspace, audit):
    ask(workspace)
    shutil.rmtree(workspace.audit_log.parent)
    audit.begin_anew(**WHO)
    assert ask(workspace).use.level == NOTHING_LEFT
