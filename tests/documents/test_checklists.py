"""Checklists have all their items; what is recorded answers them, and the rest is visibly open."""

from __future__ import annotations

import re

import pytest

from dermai.documents.checklists import CLEAR_DERM, TRIPOD_AI, checklist_page, filled, load_checklist
from dermai.documents.facts import Fact, fact_names
from dermai.documents.version_evidence import VersionEvidence


@pytest.mark.parametrize(("file", "items", "numbers"), [(CLEAR_DERM, 25, 25), (TRIPOD_AI, 52, 27)])
def test_a_checklist_has_all_its_items_and_names_known_facts(file, items, numbers):
    checklist = load_checklist(file)
    assert len({item.number for item in checklist.items}) == len(checklist.items) == items
    assert {int(re.sub(r"\D", "", item.number)) for item in checklist.items} == set(range(1, numbers + 1))
    assert {name for item in checklist.items for name in item.facts} <= fact_names()


@pytest.mark.parametrize("file", [CLEAR_DERM, TRIPOD_AI])
def test_what_is_not_recorded_is_visibly_left_to_a_person(file, evidence: VersionEvidence, facts: dict[str, Fact]):
    checklist = filled(load_checklist(file), evidence, facts)
    assert 0 < checklist.open < len(checklist.items)
    page = checklist_page(checklist, evidence)
    assert page.count("Not recorded: to be filled in.") == checklist.open
    assert f"{checklist.answered} of {len(checklist.items)} items are answered" in page
    assert "Simulated patients." in page


def test_an_answer_names_where_it_stands(evidence: VersionEvidence, facts: dict[str, Fact]) -> None:
    by_number = {item.number: item for item in filled(load_checklist(TRIPOD_AI), evidence, facts).items}
    assert by_number["23a"].sources == (f"record {evidence.attempt.sequence}",)
    assert "sensitivity, MM: 86 %" in by_number["23a"].answer
    assert (by_number["18a"].answer, by_number["18a"].sources) == ("", ())


def test_what_is_counted_by_no_column_answers_nothing(evidence: VersionEvidence, facts: dict[str, Fact]) -> None:
    by_number = {item.number: item for item in filled(load_checklist(CLEAR_DERM), evidence, facts).items}
    assert (by_number["3"].answer, by_number["13"].answer) == ("", "")  # no device is recorded
    assert "By Fitzpatrick skin type: not recorded 5, 2 395." in by_number["8"].answer
