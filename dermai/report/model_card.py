"""The champion's model card, from its package and the record of its update."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from dermai.audit import AuditLog, Entry
from dermai.evaluation.comparison import ModelEvaluation
from dermai.promotion.history import latest_attempt
from dermai.registry.registry import ModelVersion
from dermai.report.pages import render_page
from dermai.report.recorded import drawn_by_a_program, recorded_decision, recorded_evaluations


def model_card(audit: AuditLog, champion: ModelVersion, package: Path) -> str:
    """What the model in production is, what it learnt from, how well it does and where it is not to be trusted."""
    attempt = latest_attempt(audit, champion.version)
    description = json.loads((package / "model.json").read_text(encoding="utf-8"))
    promotions = [e for e in audit.entries("promotion", "rollback") if e.body["version"] == champion.version]
    evaluation = recorded_evaluations(attempt).get("candidate")
    return render_page(
        "model_card.html",
        made=datetime.now(UTC),
        champion=champion,
        model=description,
        attempt=attempt,
        decision=recorded_decision(attempt),
        promotion=promotions[-1] if promotions else None,
        evaluation=evaluation,
        limits=known_limits(attempt, evaluation),
        simulated=drawn_by_a_program(attempt),
    )


def known_limits(attempt: Entry | None, evaluation: ModelEvaluation | None, fewest: int = 30) -> list[str]:
    """What the test patients cannot show, in sentences: classes and groups with fewer than `fewest` cases."""
    limits = []
    if evaluation:
        few = [f"{row.code} ({row.cases})" for row in evaluation.lesions.per_class if row.cases < fewest]
        if few:
            limits.append(f"Fewer than {fewest} test lesions, so wide intervals: {', '.join(few)}.")
        if evaluation.lesions.unknown_classes:
            limits.append(f"Cannot answer with: {', '.join(evaluation.lesions.unknown_classes)}.")
    test = (attempt.body["dataset"]["sets"].get("test") or {}).get("counts", {}) if attempt else {}
    skin_types = test.get("skin_type", {})
    missing = [skin_type for skin_type in "123456" if skin_types.get(skin_type, 0) < fewest]
    if missing:
        limits.append(
            f"Fewer than {fewest} test photographs of Fitzpatrick skin types {', '.join(missing)}: "
            "performance there is not known."
        )
    if skin_types.get(""):
        limits.append(f"The skin type of {skin_types['']} test photographs is not recorded.")
    if len(test.get("site", {})) == 1:
        limits.append("All test photographs are from one site.")
    return limits
