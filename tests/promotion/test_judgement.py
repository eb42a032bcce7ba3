"""A use of the test patients from beginning to end, in the signed log."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dermai.audit import AuditLog
from dermai.errors import AuditLogDamaged
from dermai.evaluation.comparison import compare
from dermai.gate.agreement import agreement
from dermai.gate.columns import SecondColumn
from dermai.gate.policy import GatePolicy
from dermai.promotion import judgement as judgement_module
from dermai.promotion.judgement import judge, judge_update
from dermai.promotion.test_set_ledger import ledger_lines
from dermai.records.summary import summarise
from tests.gate.simulated import first_hit, lesions
from tests.packages import make_package
from tests.promotion.test_reassessment import answers_on

POLICY = GatePolicy()
FIRST = POLICY.ledger.spend * POLICY.test_set_alpha
SECOND = FIRST * (1 - POLICY.ledger.spend) / 2  # after a rejection
GOOD = lesions({code: first_hit(90, 100) for code in ("MM", "BCC", "Nev", "SebKer")})
BAD = lesions({code: first_hit(70, 100) for code in ("MM", "BCC", "Nev", "SebKer")})


@pytest.fixture
def audit(workspace):
    return AuditLog(workspace.audit_log)


def events(audit):
    return [entry.event for entry in audit.entries()]


def test_a_use_is_a_signed_entry_and_so_is_its_result_and_the_budget_shrinks(workspace, audit):
    first = judge(workspace, POLICY, BAD, GOOD, candidate_id="a", champion_id="c")
    second = judge(workspace, POLICY, GOOD, GOOD, candidate_id="b", champion_id="c")
    assert events(audit) == ["test_set_use", "test_set_result"] * 2
    assert audit.verify().ok
    assert (first.decision.outcome, second.decision.outcome) == ("reject", "promote")
    assert (first.decision.alpha, second.decision.alpha) == pytest.approx((FIRST, SECOND))
    assert {account.account for account in first.accounts} == {"MM", "BCC", "benign"}
    assert summarise(audit.entries()[0]) == f"use 1 of the test patients: level {FIRST:.4g} spent"
    assert summarise(audit.entries()[1]) == "use 1 of the test patients ended: reject"


def test_asked_again_the_question_has_the_same_answer_and_costs_nothing(workspace, audit):
    first = judge(workspace, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    again = judge(workspace, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    assert again.decision == first.decision
    assert (again.repeated, len(ledger_lines(audit))) == (True, 2)
    assert "nothing was spent" in again.notes[0]


def test_the_same_candidate_with_four_more_lesions_of_known_patients_spends(workspace):
    """Reproduced on an earlier release: it went from insufficient to promote with nothing spent."""
    patients = np.concatenate([np.arange(300), [0, 1, 2, 3]]).astype(str)
    answers = np.repeat(["MM", "BCC", "Nev"], 100)
    few = lesions({code: first_hit(83, 100) for code in ("MM", "BCC", "Nev")}, patient_id=patients[:300])
    more = type(few)(
        np.arange(304).astype(str), patients, np.append(answers, ["MM"] * 4), np.append(few.predicted, ["MM"] * 4)
    )
    first = judge(workspace, POLICY, few, few, candidate_id="a", champion_id="c")
    second = judge(workspace, POLICY, more, more, candidate_id="a", champion_id="c")
    assert not second.repeated
    assert second.use.spends
    assert second.decision.alpha < first.decision.alpha


def test_a_second_column_is_a_use_of_everybody_in_either_and_other_agreement_is_another_question(workspace):
    calls = np.array(["MM", "BCC", "Nev", "Nev"] * 10)
    agreed, otherwise = (agreement(POLICY, own, np.stack([calls, calls])) for own in (calls, calls[::-1]))
    elsewhere = replace(GOOD, patient_id=np.char.add("other ", GOOD.patient_id))

    def asked(agreed, column=elsewhere):
        second = SecondColumn(column, column, None, agreed)
        return judge(workspace, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c", second=second)

    first, again, other = asked(otherwise), asked(otherwise), asked(agreed)
    assert (first.decision.outcome, other.decision.outcome) == ("insufficient_evidence", "promote")
    assert first.use.patients == {"MM": 200, "BCC": 200, "benign": 400}
    assert (again.repeated, other.repeated) == (True, False)
    assert other.decision.alpha < first.decision.alpha


def test_the_same_candidate_on_changed_labels_spends(workspace):
    truth = GOOD.truth.copy()
    truth[:6] = "Nev"
    first = judge(workspace, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    changed = replace(GOOD, truth=truth)
    second = judge(workspace, POLICY, changed, changed, candidate_id="a", champion_id="c")
    assert (second.repeated, second.use.spends, second.use.number) == (False, True, 2)
    assert second.decision.alpha == pytest.approx(POLICY.ledger.spend * first.use.level)


def test_a_question_asked_under_an_earlier_release_costs_nothing_under_this_one(workspace, audit, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(GatePolicy, "hash", GatePolicy.unversioned_hash)
        judge(workspace, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    again = judge(workspace, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    assert (again.repeated, len(ledger_lines(audit))) == (True, 2)


def test_the_names_of_the_models_never_change_a_decision(workspace):
    found = []
    for a, c, k in [("a", "c", "k"), ("c", "a", "k"), ("zz", "1", "a")]:
        AuditLog(workspace.audit_log)
        place = type(workspace)(workspace.root / f"{a}{c}{k}")
        found.append(judge(place, POLICY, BAD, GOOD, GOOD, candidate_id=a, champion_id=c, anchor_id=k).decision)
    assert found[0] == found[1] == found[2]


def test_a_worn_out_test_set_says_so_and_how_many_patients_renew_it(workspace):
    for number in range(3):
        found = judge(workspace, POLICY, BAD, GOOD, candidate_id=str(number), champion_id="c")
    said = next(note for note in found.notes if note.startswith("MM"))
    assert "Worn out: " in said
    assert "new patients with confirmed lesions renew it" in said


def test_few_test_patients_are_said_and_not_spent(workspace):
    few = lesions({code: first_hit(6, 6) for code in ("MM", "BCC", "Nev")})
    found = judge(workspace, POLICY, few, few, candidate_id="a", champion_id="c")
    assert found.decision.outcome == "insufficient_evidence"
    assert "too few patients for a promotion whatever they show" in found.notes[0]
    assert "nothing of it counts in shadow mode" in found.notes[0]
    assert all(account.share_left == 1 for account in found.accounts)


def test_a_crash_within_a_use_keeps_its_spending_and_the_same_question_ends_it(workspace, audit, monkeypatch):
    def power_cut(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(judgement_module, "decide_by_columns", power_cut)
        with pytest.raises(KeyboardInterrupt):
            judge(workspace, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    assert events(audit) == ["test_set_use"]
    found = judge(workspace, POLICY, GOOD, GOOD, candidate_id="a", champion_id="c")
    assert found.decision.alpha == pytest.approx(FIRST)
    assert events(audit) == ["test_set_use", "test_set_result"]


def test_an_edited_use_stops_the_next(workspace, audit):
    judge(workspace, POLICY, BAD, GOOD, candidate_id="a", champion_id="c")
    audit.path.write_bytes(audit.path.read_bytes().replace(b'"spends":true', b'"spends":false'))
    with pytest.raises(AuditLogDamaged):
        judge(workspace, POLICY, GOOD, GOOD, candidate_id="b", champion_id="c")


def test_a_file_of_the_old_name_decides_nothing_once_the_log_holds_a_use(workspace):
    judge(workspace, POLICY, BAD, GOOD, candidate_id="a", champion_id="c")
    workspace.ledger.write_text("not a ledger\n", encoding="utf-8")
    assert judge(workspace, POLICY, GOOD, GOOD, candidate_id="b", champion_id="c").decision.alpha == pytest.approx(
        SECOND
    )


def test_a_judgement_is_plain_json_and_back(workspace):
    found = judge(workspace, POLICY, BAD, GOOD, GOOD, candidate_id="a", champion_id="c", anchor_id="k")
    assert type(found).model_validate(json.loads(found.model_dump_json())) == found


class TestWhatTestLesionsCount:
    """The policy's reference standards hold for the test patients, too."""

    def judged(self, fleet, kinds, lesions=60, policy=None):
        """A candidate that finds everything; the kinds of confirmation are those of the melanomas, in turn."""
        table = answers_on(lesions, role="candidate")
        melanomas = table["diagnosis"] == "MM"
        table.loc[melanomas, "confirmed_by"] = np.resize(kinds, melanomas.sum())
        params = fleet.params.model_copy(update={"gate": policy or fleet.params.gate})
        comparison = compare(table, {"candidate": make_package()}, params)
        return judge_update(fleet.workspace, params, table, comparison).decision

    def test_all_are_confirmed_as_the_policy_asks(self, fleet):
        decision = self.judged(fleet, ["histology"])
        assert (decision.outcome, decision.classes[0].lesions, decision.not_counted) == ("promote", 60, ())

    def test_melanomas_without_histology_do_not_count_and_are_named(self, fleet):
        decision = self.judged(fleet, ["histology", "consensus", ""])
        assert decision.classes[0].lesions == 20
        assert decision.not_counted == (
            "40 test lesions of MM do not count: without histology (20 by consensus, 20 by nothing known).",
        )

    def test_a_dataset_that_does_not_say_how_its_diagnoses_were_confirmed_shows_nothing(self, fleet):
        decision = self.judged(fleet, [""])
        assert (decision.outcome, decision.classes[0].lesions) == ("insufficient_evidence", 0)
        anything = GatePolicy(reference_standards={"test_patients": "every_diagnosis"})
        assert self.judged(fleet, [""], policy=anything).outcome == "promote"

    def test_what_counts_is_the_same_for_all_models_and_simulated_patients_count(self, fleet):
        assert self.judged(fleet, ["simulated"]).classes[0].lesions == 60
        both = pd.concat([answers_on(30, role="candidate"), answers_on(30, role="champion")])
        both["confirmed_by"] = np.where(both["lesion_id"].str.startswith("BCC"), "reading", "histology")
        comparison = compare(both, {"candidate": make_package(1), "champion": make_package(0)}, fleet.params)
        decision = judge_update(fleet.workspace, fleet.params, both, comparison).decision
        assert [found.lesions for found in decision.classes] == [30, 0]
        assert decision.not_counted == ("30 test lesions of BCC do not count: without histology (30 by reading).",)

    def test_a_test_set_of_which_nothing_counts_is_answered_and_spends_nothing(self, fleet):
        table = answers_on(10, role="candidate").assign(confirmed_by="")
        judged = judge_update(
            fleet.workspace, fleet.params, table, compare(table, {"candidate": make_package()}, fleet.params)
        )
        assert (judged.decision.outcome, judged.use.spends) == ("insufficient_evidence", False)
        assert len(judged.decision.not_counted) == 3
