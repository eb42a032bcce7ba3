"""Facts come from the records or from what an organisation wrote down, and name no person and no patient."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dermai.config import load_params
from dermai.documents.facts import Fact, fact_names, facts_of, move_words
from dermai.documents.version_evidence import VersionEvidence
from dermai.gate.findings import AllLesions
from dermai.gate.policy import GatePolicy, ReferenceStandards
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.records.moves import Promotion, ProvisionalTerms
from tests.documents.made_version import LEAKED, NAMED_PERSON
from tests.promotion.fleet import Fleet


def test_every_fact_that_is_named_is_known(facts: dict[str, Fact]) -> None:
    assert set(facts) == fact_names()
    assert all(fact.source for fact in facts.values())


def test_what_no_record_knows_is_empty_until_somebody_writes_it_down(
    facts: dict[str, Fact], evidence: VersionEvidence, fleet: Fleet
) -> None:
    assert facts["funding"] == Fact("", "params.yaml, documents.funding")
    params = load_params(fleet.workspace.params_file).model_copy(
        update={"documents": fleet.params.documents.model_copy(update={"funding": "A public grant."})}
    )
    assert facts_of(evidence, params)["funding"].text == "A public grant."


def test_a_leak_is_counted_and_no_person_is_named(facts: dict[str, Fact]) -> None:
    said = " ".join(fact.text for fact in facts.values())
    assert "1 patient is in more than one split" in said
    assert LEAKED.split()[1] not in said  # earlier releases recorded a sentence for each patient
    assert NAMED_PERSON not in said
    assert "promoted, by dermatologist" in facts["moves"].text


def with_record(evidence: VersionEvidence, **changes: object) -> VersionEvidence:
    return replace(evidence, attempt=replace(evidence.attempt, body=evidence.record.model_copy(update=changes)))


def test_a_leak_of_several_patients_is_one_of_as_many(evidence: VersionEvidence, fleet: Fleet) -> None:
    dataset = evidence.record.dataset.model_copy(update={"leakage": ("1,204 patients in train and test",)})
    said = facts_of(with_record(evidence, dataset=dataset), fleet.params)["partitions"].text
    assert "Leakage check: 1,204 patients are in more than one split." in said


def test_of_two_columns_of_evidence_each_count_says_which_it_is_of(evidence: VersionEvidence, fleet: Fleet) -> None:
    test = evidence.decision
    assert test is not None
    every = AllLesions(decision=test, agreement=(), variance_inflation=1.0)
    both = with_record(evidence, decision=test.model_copy(update={"all_lesions": every}))
    said = facts_of(both, fleet.params)["gate"].text
    assert "All confirmed lesions, MM: 190 of 200" in said
    assert "Test patients, MM: 190 of 200" in said


def test_the_reference_standard_says_where_every_diagnosis_of_the_test_patients_counts(
    evidence: VersionEvidence, fleet: Fleet
) -> None:
    assert facts_of(evidence, fleet.params)["reference_standards"].text.startswith("What counts in the gate: MM")
    every = ReferenceStandards(test_patients="every_diagnosis")
    policy = RecordedPolicy.of(GatePolicy(reference_standards=every))
    said = facts_of(with_record(evidence, policy=policy), fleet.params)["reference_standards"].text
    assert said.startswith("Every diagnosis of the test patients counts; of other patients: MM confirmed by histology")


def test_a_provisional_champion_is_said_to_be_one(evidence: VersionEvidence) -> None:
    terms = ProvisionalTerms(not_shown=("The floor of MM is not shown.",), until=date(2026, 12, 1))
    (move,) = (move.body for move in evidence.moves)
    assert isinstance(move, Promotion)
    assert move_words(move.model_copy(update={"provisional": terms})) == (
        "promoted provisionally, until 2026-12-01, though not shown: The floor of MM is not shown., by dermatologist"
    )
