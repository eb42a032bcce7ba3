"""A use of the test patients from beginning to end, with its ledger on disk."""

import json

import pytest

from dermai.gate import judge as judge_module
from dermai.gate.judge import judge
from dermai.gate.ledger import Use
from dermai.gate.ledger_file import LedgerDamaged, append_line, read_lines
from dermai.gate.policy import GatePolicy
from tests.gate.simulated import first_hit, lesions

POLICY = GatePolicy()
GOOD = lesions({code: first_hit(90, 100) for code in ("MM", "BCC", "Nev", "SebKer")})
BAD = lesions({code: first_hit(70, 100) for code in ("MM", "BCC", "Nev", "SebKer")})


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "state" / "ledger.jsonl"


def test_a_use_is_written_with_its_result_and_the_budget_shrinks(ledger):
    first = judge(ledger, POLICY, BAD, GOOD, candidate_id="a", champion_id="c")
    second = judge(ledger, POLICY, GOOD, GOOD, candidate_id="b", champion_id="c")
    assert [line.event for line in read_lines(ledger)] == ["use", "result"] * 2
    assert (first.decision.outcome, second.decision.outcome) == ("reject", "promote")
    assert (first.decision.alpha, second.decision.alpha) == pytest.approx((0.0375, 0.009375))
    assert {account.account for account in first.accounts} == {"MM", "BCC", "benign"}


def test_asked_again_the_question_has_the_same_answer_and_costs_nothing(ledger):
    first = judge(ledger, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    again = judge(ledger, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    assert again.decision == first.decision
    assert (again.repeated, len(read_lines(ledger))) == (True, 2)
    assert "nothing was spent" in again.notes[0]


def test_a_question_asked_under_an_earlier_release_costs_nothing_under_this_one(ledger, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(GatePolicy, "hash", GatePolicy.unversioned_hash)
        judge(ledger, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    again = judge(ledger, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    assert (again.repeated, len(read_lines(ledger))) == (True, 2)


def test_the_names_of_the_models_never_change_a_decision(tmp_path):
    names = [("a", "c", "k"), ("c", "a", "k"), ("zz", "1", "a")]
    found = [
        judge(tmp_path / str(number), POLICY, BAD, GOOD, GOOD, candidate_id=a, champion_id=c, anchor_id=k).decision
        for number, (a, c, k) in enumerate(names)
    ]
    assert found[0] == found[1] == found[2]


def test_a_worn_out_test_set_says_so_and_how_many_patients_renew_it(ledger):
    for number in range(3):
        found = judge(ledger, POLICY, BAD, GOOD, candidate_id=str(number), champion_id="c")
    said = next(note for note in found.notes if note.startswith("MM"))
    assert "Worn out: " in said
    assert "new patients with confirmed lesions renew it" in said


def test_few_test_patients_are_said_and_not_spent(ledger):
    few = lesions({code: first_hit(6, 6) for code in ("MM", "BCC", "Nev")})
    found = judge(ledger, POLICY, few, few, candidate_id="a", champion_id="c")
    assert found.decision.outcome == "insufficient_evidence"
    assert "too few for a promotion whatever they show" in found.notes[0]
    assert all(account.share_left == 1 for account in found.accounts)


def test_a_crash_within_a_use_keeps_its_spending_and_the_same_question_ends_it(ledger, monkeypatch):
    def power_cut(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(judge_module, "decide", power_cut)
        with pytest.raises(KeyboardInterrupt):
            judge(ledger, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    assert [line.event for line in read_lines(ledger)] == ["use"]
    found = judge(ledger, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    assert found.decision.alpha == pytest.approx(0.0375)
    assert [line.event for line in read_lines(ledger)] == ["use", "result"]


def test_a_line_that_a_crash_cut_short_is_dropped_and_any_other_damage_is_said(ledger):
    judge(ledger, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + b'{"event":"use","num')
    assert len(read_lines(ledger)) == 2
    append_line(ledger, next(line for line in read_lines(ledger) if isinstance(line, Use)))
    assert len(read_lines(ledger)) == 3
    ledger.write_bytes(b"not json\n" + whole)
    with pytest.raises(LedgerDamaged, match="line 1 cannot be read"):
        read_lines(ledger)


def test_a_judgement_is_plain_json_and_back(ledger):
    found = judge(ledger, POLICY, BAD, GOOD, GOOD, candidate_id="a", champion_id="c", anchor_id="k")
    assert type(found).model_validate(json.loads(found.model_dump_json())) == found
