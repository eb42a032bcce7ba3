"""The change plan has its three parts, with what this version did by it."""

from __future__ import annotations

from dataclasses import replace

from dermai.documents.change_plan import change_plan, change_plan_page
from dermai.documents.facts import Fact
from dermai.documents.version_evidence import VersionEvidence


def test_the_plan_has_the_three_parts_of_such_plans(evidence: VersionEvidence, facts: dict[str, Fact]) -> None:
    plan = change_plan(evidence, facts)
    assert [part.title for part in plan.parts] == [
        "Description of modifications",
        "Modification protocol",
        "Impact assessment",
    ]
    assert [section.title for section in plan.parts[1].sections] == [
        "Data management",
        "Re-training",
        "Performance evaluation",
        "Update procedures",
    ]


def test_the_policy_and_the_approvals_stand_in_the_protocol(evidence: VersionEvidence, facts: dict[str, Fact]) -> None:
    _, protocol, impact = change_plan(evidence, facts).parts
    evaluation, procedures = protocol.sections[2:]
    assert (evaluation.values["floors.MM"], evaluation.values["alpha"]) == (0.7, 0.05)
    assert any("promoted, by dermatologist" in line.text for line in procedures.statements)
    assert any("skin type 2" in line.text for section in impact.sections for line in section.statements)


def test_the_page_shows_what_is_open(evidence: VersionEvidence, facts: dict[str, Fact]) -> None:
    page = change_plan_page(change_plan(evidence, facts), evidence)
    assert "Not recorded: to be filled in." in page  # nobody wrote the clinical risk level down
    assert "40 of 50 found by it" in page


def test_the_way_back_is_the_one_that_the_promotion_recorded(evidence: VersionEvidence, facts: dict[str, Fact]) -> None:
    (move,) = evidence.moves
    later = replace(move, body=move.body.model_copy(update={"rollback_target": "3"}))
    procedures = change_plan(replace(evidence, moves=(later,)), facts).parts[1].sections[3]
    (way_back,) = (line for line in procedures.statements if line.about == "way back")
    assert (way_back.text, way_back.source) == ("version 3, by `dermai rollback`", f"record {move.sequence}")


def test_only_what_models_depend_on_is_told_of_what_was_laid_over(
    evidence: VersionEvidence, facts: dict[str, Fact]
) -> None:
    laid_over = {"model.image_size": 64, "monitoring.mail_to": ["ana@hospital.example"]}
    record = evidence.record.model_copy(update={"overrides": laid_over})
    told = change_plan(replace(evidence, attempt=replace(evidence.attempt, body=record)), facts)
    assert told.parts[0].sections[2].values == {"model.image_size": 64}
