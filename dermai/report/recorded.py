"""What pages take out of a record, as the models it was written from."""

from __future__ import annotations

from dermai.audit import Entry
from dermai.evaluation.comparison import ModelEvaluation
from dermai.gate.findings import GateDecision


def recorded_evaluations(entry: Entry | None) -> dict[str, ModelEvaluation]:
    """Each model's numbers, by role."""
    if entry is None:
        return {}
    return {role: ModelEvaluation.model_validate(values) for role, values in entry.body["evaluation"].items()}


def recorded_decision(entry: Entry | None) -> GateDecision | None:
    """The gate's account of an attempt; None for other records."""
    if entry is None or entry.event != "update_attempt" or not entry.body["decision"]:
        return None
    return GateDecision.model_validate(entry.body["decision"])


def drawn_by_a_program(entry: Entry | None) -> bool:
    """Whether photographs of an attempt are simulated."""
    sets = entry.body["dataset"]["sets"].values() if entry else ()
    return any(site.startswith("simulated") for part in sets for site in part["counts"].get("site", {}))
