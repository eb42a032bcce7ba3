"""The page of one update run."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from dermai.evaluation.metrics import Rate
from dermai.files import write_text
from dermai.gate.explain import largest_drop
from dermai.gate.findings import GateDecision
from dermai.promotion.standing import Standing
from dermai.records.referral_replay import PAGE
from dermai.report.figures import Difference, Row
from dermai.report.headline import facts, headline, objections
from dermai.report.pages import render_page
from dermai.report.update_report import MistakeKind, UpdateReport


def write_update_page(folder: Path, report: UpdateReport, standing: Standing | None = None) -> Path:
    """Write `report.html` into the folder: one page that needs nothing from elsewhere. Returns its path.

    `standing` is the champion's after the update: the page says so where it is a provisional one.
    """
    names = [
        (model.role, f"{model.role}, version {model.version}" if model.version else model.role)
        for model in report.models
    ]
    page = render_page(
        "update.html",
        report=report,
        standing=standing,
        top=headline(report),
        facts=facts(report),
        objections=objections(report),
        model_names=names,
        sensitivity_rows=sensitivity_rows(report),
        gate_columns=gate_columns(report.decision),
        kinds=get_args(MistakeKind),
        replay_page=PAGE,
        calibration_models=[(m.role, m.lesions.calibration) for m in report.models if m.role != "anchor"],
    )
    path = folder / "report.html"
    write_text(path, page)
    return path


def sensitivity_rows(report: UpdateReport) -> list[Row]:
    """One line of the interval plot for each class that the test patients have, gated classes first."""
    floors = {found.code: found.floor.floor for found in report.decision.classes} if report.decision else {}
    order = {code: place for place, code in enumerate(report.gated_classes)}
    codes = dict.fromkeys(row.code for model in report.models for row in model.lesions.per_class if row.cases)
    rows = []
    for code in sorted(codes, key=lambda code: order.get(code, len(order))):
        found = {model.role: model.lesions.of_class(code) for model in report.models}
        rates: dict[str, Rate] = {role: row.sensitivity for role, row in found.items() if row}
        rows.append(Row(code, rates, floors.get(code)))
    return rows


def gate_columns(decision: GateDecision | None) -> list[tuple[str, GateDecision, list[Difference]]]:
    """Title, decision and plotted differences of each column of evidence, that which promotes first.

    A single column needs no title.
    """
    columns = decision.columns if decision else ()
    return [(title, column, differences(column)) for title, column in columns]


def differences(column: GateDecision) -> list[Difference]:
    """One line of the difference plot for each paired comparison of a column."""
    pools = [(found.code, found.comparisons) for found in column.classes]
    if column.specificity:
        pools.append(("benign", column.specificity.comparisons))
    point = column.mode == "point"
    return [
        Difference(
            f"{name} vs {found.reference}",
            found.difference,
            *found.interval,
            None if point else found.margin,
            largest_drop(found) if point else found.allowed_drop,
        )
        for name, comparisons in pools
        for found in comparisons
    ]
