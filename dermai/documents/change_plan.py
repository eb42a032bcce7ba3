"""The predetermined change plan that a version was made by, and what became of it, in the three parts of such plans.

Parts as in FDA, Marketing Submission Recommendations for a Predetermined Change Control Plan (2024, re-issued 2025):
description of modifications, modification protocol, impact assessment. What is planned is said once for every version;
what was done is read from the version's records.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, JsonValue

from dermai.documents.facts import Fact, move_words
from dermai.documents.measures import group_measures, measures_of
from dermai.documents.version_evidence import VersionEvidence
from dermai.gate.policy_defaults import flat
from dermai.records.moves import ChampionMove
from dermai.report.pages import render_page

MAY_CHANGE = (
    ("weights", "by training on newly confirmed cases, with known ones replayed; or anew, where cases were taken back"),
    ("calibration and operating points", "chosen by answers to patients whom the model, or its sister, never saw"),
    ("classes", "one more, where the reviewed taxonomy gains one; intended use and risk levels stay as they are"),
)
MAY_NOT_CHANGE = (
    "the intended use, the kinds of input, the risk level of a class",
    "the policy of the gate: a changed one promotes nothing before a named person approves it",
    "how patients are split: a test patient stays one, and no training sees them",
)
MODEL_SECTIONS = ("seed", "data", "validation", "model", "training", "clinical", "continual", "evaluation", "gate")
RISKS = (
    ("the new version misses more melanomas or carcinomas", "floors, and non-inferiority to the champion in pairs"),
    ("small losses add up over many updates", "non-inferiority to the anchor, the first approved model"),
    ("test patients are used up by repeated looks", "an error budget for each test set, spent by every use"),
    ("one group of patients is harmed while the average improves", "sensitivity in groups of patients is a guard"),
    ("more benign lesions are called malignant", "a guard on specificity"),
    ("wrong or leaked data", "validation before training; a leakage check by patient; hashes of every set"),
    ("a fault shows only in practice", "monitoring, second readings, incidents; one command undoes an update"),
)


class Part(BaseModel):
    """A part of the document: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Statement(Part):
    """A sentence and where it stands; an empty sentence is visibly open."""

    about: str
    text: str
    source: str


class Section(Part):
    """A section of a part: statements, and values by name where there are many."""

    title: str
    statements: tuple[Statement, ...] = ()
    values: dict[str, JsonValue] = {}


class PlanPart(Part):
    """One of the three parts."""

    title: str
    sections: tuple[Section, ...]


class ChangePlan(Part):
    """The plan of a version."""

    model: str
    version: str
    package_sha256: str
    record: int
    policy_sha256: str
    parts: tuple[PlanPart, ...]


def change_plan(evidence: VersionEvidence, facts: Mapping[str, Fact]) -> ChangePlan:
    """The plan, with what this version did by it."""
    return ChangePlan(
        model=evidence.name,
        version=evidence.version,
        package_sha256=evidence.sha256,
        record=evidence.attempt.sequence,
        policy_sha256=evidence.record.policy_sha256,
        parts=(_modifications(evidence, facts), _protocol(evidence, facts), _impact(evidence, facts)),
    )


def change_plan_page(plan: ChangePlan, evidence: VersionEvidence) -> str:
    """The plan as a page."""
    simulated = evidence.record.dataset.is_simulated
    return render_page("change_plan.html", plan=plan, as_of=evidence.as_of, simulated=simulated)


def _modifications(evidence: VersionEvidence, facts: Mapping[str, Fact]) -> PlanPart:
    record = f"record {evidence.attempt.sequence}"
    planned = [Statement(about=name, text=how, source="dermai, docs/gate.md") for name, how in MAY_CHANGE]
    kept = [Statement(about="stays", text=text, source="dermai, docs/gate.md") for text in MAY_NOT_CHANGE]
    return PlanPart(
        title="Description of modifications",
        sections=(
            Section(title="What an update may change", statements=tuple(planned)),
            Section(title="What no update changes", statements=tuple(kept)),
            Section(
                title="What this version changed",
                statements=(
                    _fact("change", facts["updating"]),
                    _fact("classes", facts["classes"]),
                    Statement(about="reason for the update", text=evidence.record.trigger.kind, source=record),
                    Statement(about="parameters", text=f"SHA-256 {evidence.record.params_sha256}", source=record),
                ),
                values=_laid_over(evidence),
            ),
        ),
    )


def _laid_over(evidence: VersionEvidence) -> dict[str, JsonValue]:
    """What was laid over params.yaml of what models depend on; other sections may hold addresses of persons."""
    return {key: value for key, value in evidence.record.overrides.items() if key.split(".")[0] in MODEL_SECTIONS}


def _protocol(evidence: VersionEvidence, facts: Mapping[str, Fact]) -> PlanPart:
    record = evidence.record
    trained_with = record.training.parameters if record.training else {}
    approvals = tuple(
        Statement(
            about="approval of the policy",
            text=f"{found.time[:10]}, by {found.body.role or 'no role'}",
            source=f"record {found.sequence}",
        )
        for found in evidence.policy_approvals
    )
    moves = tuple(
        Statement(about="move", text=f"{move.time[:10]}: {move_words(move.body)}", source=f"record {move.sequence}")
        for move in evidence.moves
    )
    targets = [(move.body.rollback_target, move.sequence) for move in evidence.moves
               if isinstance(move.body, ChampionMove)]  # fmt: skip
    compared_with = record.champion.version if record.champion else None
    way_back, said_by = targets[-1] if targets else (compared_with, evidence.attempt.sequence)
    return PlanPart(
        title="Modification protocol",
        sections=(
            Section(
                title="Data management",
                statements=(
                    *(_fact(name.replace("_", " "), facts[name]) for name in
                      ("data_dates", "data_sources", "partitions", "preprocessing", "outcome", "eligibility")),
                ),
                values={f"{role} photographs, SHA-256": part.sha256 for role, part in record.dataset.sets.items()},
            ),
            Section(
                title="Re-training",
                statements=tuple(_fact(name, facts[name]) for name in ("training", "code", "specification")),
                values=dict(trained_with),
            ),
            Section(
                title="Performance evaluation",
                statements=tuple(_fact(name, facts[name]) for name in ("analysis", "gate", "decision", "performance")),
                values=dict(flat(record.policy.root)),
            ),
            Section(
                title="Update procedures",
                statements=(
                    *approvals,
                    *moves,
                    Statement(
                        about="way back",
                        text=f"version {way_back}, by `dermai rollback`" if way_back else "none: no champion before it",
                        source=f"record {said_by}",
                    ),
                    _fact("monitoring", facts["maintenance"]),
                ),
            ),
        ),
    )  # fmt: skip


def _impact(evidence: VersionEvidence, facts: Mapping[str, Fact]) -> PlanPart:
    risks = tuple(Statement(about=risk, text=answer, source="dermai, docs/gate.md") for risk, answer in RISKS)
    source = f"record {evidence.attempt.sequence}"
    before = evidence.record.evaluation.get("champion")
    compared = tuple(
        Statement(about=row.code, text=f"{row.sensitivity.count} of {row.sensitivity.total} found by it", source=source)
        for row in (before.lesions.per_class if before else ())
        if row.code in evidence.record.policy.gated_classes
    )
    return PlanPart(
        title="Impact assessment",
        sections=(
            Section(title="Risks of an update, and what stands against them", statements=risks),
            Section(
                title="This version",
                statements=tuple(
                    Statement(about=measure.label, text=measure.words, source=source)
                    for measure in measures_of(evidence)
                    if not measure.of or measure.of in evidence.record.policy.gated_classes
                ),
            ),
            Section(title="The version before, on the same test lesions", statements=compared),
            Section(
                title="Groups of patients",
                statements=tuple(
                    Statement(about=measure.of, text=measure.words, source=source)
                    for measure in group_measures(evidence)
                )
                or (_fact("groups of patients", facts["groups"]),),
            ),
            Section(
                title="What remains",
                statements=(_fact("limits", facts["limits"]), _fact("simulated", facts["simulated"]),
                            _fact("clinical risk level", facts["clinical_risk_level"])),
            ),
        ),
    )  # fmt: skip


def _fact(about: str, fact: Fact) -> Statement:
    return Statement(about=about, text=fact.text, source=fact.source)
