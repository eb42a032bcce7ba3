"""Facts come from the records or from what an organisation wrote down, and name no person and no patient."""

from __future__ import annotations

from datetime import date

from dermai.config import load_params
from dermai.documents.facts import Fact, fact_names, facts_of, move_words
from dermai.documents.version_evidence import VersionEvidence
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
    assert LEAKED.split()[1] not in said
    assert NAMED_PERSON not in said
    assert "promoted, by dermatologist" in facts["moves"].text


def test_a_provisional_champion_is_said_to_be_one(evidence: VersionEvidence) -> None:
    terms = ProvisionalTerms(not_shown=("The floor of MM is not shown.",), until=date(2026, 12, 1))
    (move,) = (move.body for move in evidence.moves)
    assert isinstance(move, Promotion)
    assert move_words(move.model_copy(update={"provisional": terms})) == (
        "promoted provisionally, until 2026-12-01, though not shown: The floor of MM is not shown., by dermatologist"
    )
