"""Facts of a version in sentences, by name, each with where it stands: what forms and checklists are filled with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from dermai.config import DocumentsParams, Params
from dermai.documents.measures import group_measures, measures_of
from dermai.documents.photograph_sets import COUNTED, both_sets, set_words
from dermai.documents.version_evidence import VersionEvidence
from dermai.evaluation.words import count_words
from dermai.gate.findings import OUTCOMES
from dermai.gate.policy_defaults import BEFORE, flat
from dermai.records.moves import Move, Promotion
from dermai.report.intended_use import INTENDED_USE, NOT_FOR
from dermai.report.model_card import known_limits
from dermai.taxonomy import load_taxonomy

SOFTWARE_FACTS = Path(__file__).with_name("software_facts.yaml")


@dataclass(frozen=True)
class Fact:
    """What is known, in words, and where it stands; empty words where nothing is recorded."""

    text: str
    source: str


def facts_of(evidence: VersionEvidence, params: Params) -> dict[str, Fact]:
    """All facts by name; what an organisation says in `params.documents` stands under its key there."""
    record = f"record {evidence.attempt.sequence}"
    found = {name: Fact(words(evidence), record) for name, words in OF_THE_RECORD.items()}
    found |= {name: Fact(words(evidence), "model.json of the package") for name, words in OF_THE_PACKAGE.items()}
    found |= _of_the_software()
    said: dict[str, str] = params.documents.model_dump()
    return found | {name: Fact(text.strip(), f"params.yaml, documents.{name}") for name, text in said.items()}


def fact_names() -> set[str]:
    """Every name that `facts_of` knows."""
    return {*OF_THE_RECORD, *OF_THE_PACKAGE, *_of_the_software(), *DocumentsParams.model_fields}


@cache
def _of_the_software() -> dict[str, Fact]:
    """What is true of every version that this release makes."""
    said = yaml.safe_load(SOFTWARE_FACTS.read_text(encoding="utf-8"))
    found = {name: Fact(fact["text"], f"dermai, {fact['page']}") for name, fact in said.items()}
    use, no_use = Fact(INTENDED_USE, "dermai, intended use"), Fact(" ".join(NOT_FOR), "dermai, intended use")
    return {"intended_use": use, "not_for": no_use, **found}


def _simulated(evidence: VersionEvidence) -> str:
    return (
        "Some photographs are drawn by a program: no number here says anything of real patients."
        if evidence.record.dataset.is_simulated
        else "No photograph is drawn by a program."
    )


def _partitions(evidence: VersionEvidence) -> str:
    sets = evidence.record.dataset.sets
    sizes = "; ".join(f"{role.replace('_', ' ')}: {part.photographs} photographs" for role, part in sets.items())
    # A finding counts patients; records of earlier releases have one for each patient, with the pseudonym
    counted = (found.split()[0].replace(",", "") for found in evidence.record.dataset.leakage)
    leaks = sum(int(first) if first.isdecimal() else 1 for first in counted)
    who = f"{count_words(leaks, 'patient') if leaks else 'no patient'} {'are' if leaks > 1 else 'is'}"
    return f"{sizes}. Leakage check: {who} in more than one split." if sizes else ""


def _listed(words: Iterable[str]) -> str:
    text = "; ".join(words)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _performance(evidence: VersionEvidence) -> str:
    return _listed(measure.words for measure in measures_of(evidence))


def _groups(evidence: VersionEvidence) -> str:
    return _listed(measure.words for measure in group_measures(evidence))


def _calibration(evidence: VersionEvidence) -> str:
    error = evidence.evaluation.lesions.expected_calibration_error if evidence.evaluation else None
    return f"Expected calibration error on the test lesions: {error:.3f}." if error is not None else ""


def _limits(evidence: VersionEvidence) -> str:
    return " ".join(known_limits(evidence.record, evidence.evaluation))


def _decision(evidence: VersionEvidence) -> str:
    words = {
        "promote": "It passed the gate",
        "reject": "The gate rejected it",
        "insufficient_evidence": "The gate's evidence was insufficient",
    }
    later = [f"record {found.sequence}: {OUTCOMES[found.body.outcome]}" for found in evidence.later_decisions]
    return f"{words[evidence.record.outcome]}{'; later, ' + ', '.join(later) if later else ''}."


def _test_type(evidence: VersionEvidence) -> str:
    paired = ", paired with the answers of the model before it" if evidence.record.champion else ""
    return f"Retrospective, on the dataset's test patients{paired}."


def _gate(evidence: VersionEvidence) -> str:
    decision = evidence.decision
    if decision is None:
        return ""
    tests = [
        f"{title and f'{title}, '}{found.code}: {found.hits} of {found.lesions} lesions found, "
        f"floor {found.floor.floor:.2f} {'shown' if found.floor.verdict == 'shown' else 'not shown'}"
        + "".join(f", against the {test.reference} {test.verdict.replace('_', ' ')}" for test in found.comparisons)
        for title, column in decision.columns
        for found in column.classes
    ]
    level = f"Level {decision.alpha:g}" if decision.controls_error_rate else "Estimates alone, at no level of error"
    return f"{level}, policy {decision.policy_hash[:16]}. {'; '.join(tests)}."


def _reference_standards(evidence: VersionEvidence) -> str:
    """What a diagnosis must be confirmed by to count, as the policy of the record says; older ones said nothing."""
    rules = {**BEFORE, **flat(evidence.record.policy.root)}
    by_class = "reference_standards.by_class."
    named = {key.removeprefix(by_class): kinds for key, kinds in rules.items() if key.startswith(by_class)}
    named |= {"others": rules["reference_standards.otherwise"]} if "reference_standards.otherwise" in rules else {}
    said = [
        f"{code} confirmed by {' or '.join(map(str, kinds))}"
        for code, kinds in named.items()
        if isinstance(kinds, list)
    ]
    every = rules["reference_standards.test_patients"] == "every_diagnosis"
    of_whom = "Every diagnosis of the test patients counts; of other patients" if every else "What counts in the gate"
    counted = f"{of_whom}: {'; '.join(said)}." if said else ""
    return " ".join(filter(None, (counted, *(evidence.decision.not_counted if evidence.decision else ()))))


def move_words(move: Move) -> str:
    """What a move did, by which role; the name stands in the log."""
    verb = {"promotion": "promoted", "rollback": "brought back", "rejection": "rejected"}[move.event]
    if isinstance(move, Promotion) and move.provisional is not None:
        verb += (
            f" provisionally, until {move.provisional.until}, though not shown: {' '.join(move.provisional.not_shown)}"
        )
    return f"{verb}, by {move.role or 'the gate'}"


def _moves(evidence: VersionEvidence) -> str:
    found = [f"record {move.sequence} ({move.time[:10]}): {move_words(move.body)}" for move in evidence.moves]
    return "; ".join(found) if found else "No promotion of this version is recorded."


def _updating(evidence: VersionEvidence) -> str:
    champion = evidence.record.champion
    with_what = f"version {champion.version}, the champion" if champion else "no other: there was no champion"
    return f"{evidence.record.change_note} It was compared with {with_what}.".strip()


def _training(evidence: VersionEvidence) -> str:
    training = evidence.record.training
    if training is None:
        return ""
    learnt = sum(training.photographs.values())
    parts = [
        f"Training mode {training.mode}, {training.strategy or 'default strategy'}, seed {training.seed}",
        f"{learnt} photographs learnt" if learnt else "",
        f"best epoch {training.best_epoch}" if training.history else "",
        f"first weights: {training.weights}" if training.weights else "",
    ]
    return f"{'; '.join(part for part in parts if part)}."


def _code(evidence: VersionEvidence) -> str:
    code = evidence.record.code
    changed = " with changes that were not committed" if code.dirty else ""
    lock = f", locked dependencies {code.lock_sha256}" if code.lock_sha256 else ""
    return f"Code {code.commit}{changed}{lock}, Python {code.python}."


def _model_type(evidence: VersionEvidence) -> str:
    model = evidence.description
    return f"Convolutional or transformer network {model['backbone']}, {model['image_size']} px, with its heads."


def _classes(evidence: VersionEvidence) -> str:
    known = load_taxonomy().classes
    named = (f"{code} ({known[code].name})" if code in known else code for code in evidence.description["classes"])
    return f"Classes: {', '.join(named)}."


def _thresholds(evidence: VersionEvidence) -> str:
    points: Mapping[str, float] = evidence.description.get("operating_points") or {}
    listed = ", ".join(f"{code} from {share:.3f}" for code, share in points.items())
    temperature = f"temperature {evidence.description['temperature']:.3f}"
    return f"Operating points: {listed or 'none, the largest probability decides'}; {temperature}."


def _columns(evidence: VersionEvidence) -> str:
    columns = (evidence.description.get("clinical") or {}).get("columns", [])
    return f"The photograph, and {', '.join(columns)}." if columns else "The photograph alone."


def _specification(evidence: VersionEvidence) -> str:
    files = ", ".join(f"{name} {digest}" for name, digest in sorted(evidence.package_files.items()))
    return f"Package {evidence.sha256}; SHA-256 of its files: {files}."


OF_THE_RECORD: Mapping[str, Callable[[VersionEvidence], str]] = {
    "title": lambda evidence: f"{evidence.name}, version {evidence.version}: a classifier of skin-lesion photographs.",
    "data_sources": both_sets("source", "site"),
    "data_dates": lambda evidence: f"Dataset {evidence.record.dataset.version}, update {evidence.attempt.time[:10]}.",
    "participants": both_sets("sex", "skin_type"),
    "classes_counted": both_sets("diagnosis"),
    "training_data": set_words("train", *COUNTED),
    "test_data": set_words("test", *COUNTED),
    "devices": both_sets("device"),
    "skin_types": both_sets("skin_type"),
    "simulated": _simulated,
    "partitions": _partitions,
    "performance": _performance,
    "groups": _groups,
    "calibration": _calibration,
    "limits": _limits,
    "decision": _decision,
    "gate": _gate,
    "test_type": _test_type,
    "reference_standards": _reference_standards,
    "moves": _moves,
    "updating": _updating,
    "training": _training,
    "code": _code,
}
OF_THE_PACKAGE: Mapping[str, Callable[[VersionEvidence], str]] = {
    "model_type": _model_type,
    "classes": _classes,
    "thresholds": _thresholds,
    "predictors": _columns,
    "specification": _specification,
}
