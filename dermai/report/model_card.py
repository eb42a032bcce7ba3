"""The champion's model card, from its package and the record of its update."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from dermai.audit import AuditLog
from dermai.evaluation.comparison import ModelEvaluation
from dermai.language.messages import message
from dermai.promotion.history import latest_attempt
from dermai.promotion.standing import champion_standing
from dermai.records.log import Record, records_of
from dermai.records.moves import ChampionMove
from dermai.records.update_record import UpdateAttempt
from dermai.registry.versions import ModelVersion
from dermai.report.pages import render_page


def model_card(audit: AuditLog, champion: ModelVersion, package: Path) -> str:
    """What the model in production is, what it learnt from, how well it does and where it is not to be trusted."""
    attempt = latest_attempt(audit, champion.version)
    description = json.loads((package / "model.json").read_text(encoding="utf-8"))
    promotions = [move for move in records_of(audit, ChampionMove) if move.body.version == champion.version]
    evaluation = attempt.body.evaluation.get("candidate") if attempt else None
    return render_page(
        "model_card.html",
        made=datetime.now(UTC),
        champion=champion,
        standing=champion_standing(audit),
        model=description,
        attempt=attempt,
        decision=attempt.body.decision if attempt else None,
        promotion=promotions[-1] if promotions else None,
        evaluation=evaluation,
        later=measured_again(audit, champion.version) if attempt and attempt.body.decision else [],
        limits=known_limits(attempt.body if attempt else None, evaluation),
        simulated=attempt is not None and attempt.body.dataset.is_simulated,
    )


def measured_again(audit: AuditLog, version: str) -> list[tuple[Record[UpdateAttempt], ModelEvaluation]]:
    """Each attempt that compared its candidate with this version, and how the version did on the test patients."""
    attempts = records_of(audit, UpdateAttempt)
    compared = [record for record in attempts if record.body.champion and record.body.champion.version == version]
    return [(each, each.body.evaluation["champion"]) for each in compared if "champion" in each.body.evaluation]


def known_limits(attempt: UpdateAttempt | None, evaluation: ModelEvaluation | None, fewest: int = 30) -> list[str]:
    """What the test patients cannot show, in sentences: classes and groups with fewer than `fewest` cases."""
    limits = []
    if evaluation:
        few = [f"{row.code} ({row.cases})" for row in evaluation.lesions.per_class if row.cases < fewest]
        if few:
            limits.append(
                message(
                    "Fewer than %(number)s test lesions, so wide intervals: %(classes)s.",
                    number=fewest,
                    classes=", ".join(few),
                )
            )
        if evaluation.lesions.unknown_classes:
            unknown = ", ".join(evaluation.lesions.unknown_classes)
            limits.append(message("Cannot answer with: %(classes)s.", classes=unknown))
    test_set = attempt.dataset.sets.get("test") if attempt else None
    test = test_set.counts if test_set else {}
    skin_types = test.get("skin_type", {})
    missing = [skin_type for skin_type in "123456" if skin_types.get(skin_type, 0) < fewest]
    if missing:
        limits.append(
            message(
                "Fewer than %(number)s test photographs of Fitzpatrick skin types %(types)s: "
                "performance there is not known.",
                number=fewest,
                types=", ".join(missing),
            )
        )
    if skin_types.get(""):
        limits.append(message("The skin type of %(count)s test photographs is not recorded.", count=skin_types[""]))
    if len(test.get("site", {})) == 1:
        limits.append(message("All test photographs are from one site."))
    return limits
