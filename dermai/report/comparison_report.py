"""The comparison of architectures and strategies as a page, as tables in Markdown, and as the files DVC plots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from dermai.config import Params
from dermai.data.tables import csv_text
from dermai.evaluation.scores import OVERALL, PER_CLASS
from dermai.files import write_json, write_text
from dermai.report.comparison_figures import Beside, beside_paper_plot, change_plot, class_heat_table
from dermai.report.latest import point_latest_at
from dermai.report.pages import render_page
from dermai.strategies.cells import CellResult
from dermai.strategies.grid import Grid
from dermai.strategies.identity import identity_notes, is_identical
from dermai.strategies.paper import METRICS, reported
from dermai.strategies.scores import CellScores, outcomes
from dermai.strategies.tables import (
    NAMES,
    architecture_table,
    class_table,
    difference_table,
    strategy_table,
    verdict_table,
)
from dermai.workspace import Workspace

PIPELINE = "compare_strategies"
TITLES = {"accuracy": "Average accuracy", "weighted_f1": "Weighted F1", "macro_f1": "Macro F1"}


def publish_comparison(
    workspace: Workspace, params: Params, run: str, grid: Grid, results: Sequence[CellResult], data_version: str
) -> Path:
    """Write report.html, tables.md and comparison.json of a run, the CSV files DVC plots, and point `latest` at it."""
    found = outcomes(results, params)
    folder = workspace.reports / PIPELINE / run
    write_text(folder / "report.html", comparison_page(params, run, grid, found, data_version))
    write_text(folder / "tables.md", markdown_tables(params, grid, found))
    numbers = strategy_numbers(found, _sorted(params, found)[2])
    write_json(folder / "comparison.json", numbers.to_dict("records"))
    for place in (folder, workspace.root / "metrics" / "compare"):
        for name, table in plot_tables(found).items():
            write_text(place / f"{name}.csv", csv_text(table))
    point_latest_at(folder)
    return folder / "report.html"


def strategy_numbers(found: Sequence[CellScores], baseline: CellScores) -> pd.DataFrame:
    """One row a metric of an architecture and strategy: value, low, high, and the paper's where it has one.

    `identical_to` names the baseline where both made the same model: the numbers are then one measurement.
    """
    rows = []
    for row in found:
        same = baseline.strategy if row is not baseline and is_identical(row, baseline) else None
        for metric in row.scores.names:
            estimate = row.scores.estimate(metric)
            named = {"architecture": row.architecture, "strategy": row.strategy, "metric": metric}
            numbers = {"value": estimate.value or 0.0, "low": estimate.low, "high": estimate.high}
            paper = {"paper": reported(row.strategy, metric), "seeds": row.scores.seeds, "identical_to": same}
            rows.append({**named, **{name: round(number, 6) for name, number in numbers.items()}, **paper})
    return pd.DataFrame(rows).astype(object).where(lambda table: table.notna(), None)


def plot_tables(found: Sequence[CellScores]) -> dict[str, pd.DataFrame]:
    """What DVC plots: `strategies`, one row an architecture and strategy, and `classes`, one row a class of each."""
    strategies, classes = [], []
    for row in found:
        scores, named = row.scores, {"architecture": row.architecture, "strategy": row.label}
        value = {name: round(scores.estimate(name).value or 0.0, 6) for name in scores.names}
        strategies.append({**named, **{name: value[name] for name in OVERALL}})
        classes += [
            {**named, "class": name, **{kind: value[f"{kind}_{name}"] for kind in PER_CLASS}} for name in scores.cases
        ]
    return {"strategies": pd.DataFrame(strategies), "classes": pd.DataFrame(classes)}


def markdown_tables(params: Params, grid: Grid, found: Sequence[CellScores]) -> str:
    """All tables, to be pasted where they are needed."""
    by_architecture, by_strategy, baseline = _sorted(params, found)
    notes = identity_notes(by_strategy, baseline)
    parts = [
        ("Choosing a network architecture", architecture_table(by_architecture)),
        ("Training strategies", strategy_table(by_strategy)),
        (f"Less {baseline.label}", difference_table(by_strategy, baseline)),
        *((row.label, class_table(row)) for row in by_strategy),
    ]
    if grid.verdicts:
        parts.append(("Merge or chain", verdict_table(grid.verdicts)))
    text = "\n".join(f"### {title}\n\n{table.markdown()}" for title, table in parts)
    return text + "".join(f"\n{note}\n" for note in notes)


def comparison_page(params: Params, run: str, grid: Grid, found: Sequence[CellScores], data_version: str) -> str:
    """The page: self-contained, without a script."""
    by_architecture, by_strategy, baseline = _sorted(params, found)
    plots = [
        (
            TITLES[metric],
            beside_paper_plot(
                [Beside(row.label, row.scores.estimate(metric), reported(row.strategy, metric)) for row in by_strategy],
                f"{TITLES[metric]} of each strategy",
            ),
        )
        for metric in METRICS
    ]
    changes = [
        (row.label, row.scores.difference(baseline.scores, "macro_f1"))
        for row in by_strategy
        if row is not baseline and not is_identical(row, baseline)
    ]
    classes = list(baseline.scores.cases)
    heat = {
        kind: class_heat_table(
            [f"{row.strategy})" for row in by_strategy],
            [
                (name, [row.scores.estimate(f"{kind}_{name}").value or 0.0 for row in by_strategy])
                for name in classes
            ],
            f"{kind.capitalize() if kind != 'f1' else 'F1'} of each class, %",
        )
        for kind in PER_CLASS
    }  # fmt: skip
    return render_page(
        "comparison.html",
        run=run,
        finished=datetime.now(UTC),
        data_version=data_version,
        target=params.compare.target,
        architecture=NAMES.get(params.compare.architecture, params.compare.architecture),
        seeds=sorted({summary["seed"] for row in found for summary in row.summaries}),
        confidence=params.evaluation.confidence,
        image_size=params.model.image_size,
        notes=(*grid.notes, *identity_notes(by_strategy, baseline)),
        baseline=baseline,
        architectures=Markup(architecture_table(by_architecture).html()),
        strategies=Markup(strategy_table(by_strategy).html()),
        differences=Markup(difference_table(by_strategy, baseline).html()),
        verdicts=Markup(verdict_table(grid.verdicts).html()) if grid.verdicts else None,
        classes=[(row.label, Markup(class_table(row).html())) for row in by_strategy],
        plots=plots,
        changes=change_plot(changes, "Macro F1 less the baseline"),
        heat=heat,
        chains=[(row.label, row.summaries[0]) for row in found],
        commands=[summary["command"] for row in found for summary in row.summaries],
    )


def _sorted(params: Params, found: Sequence[CellScores]) -> tuple[list[CellScores], list[CellScores], CellScores]:
    """Rows of the architecture table, rows of the strategy table, and the baseline."""
    compare = params.compare
    by_architecture = [row for row in found if row.strategy == compare.baseline]
    by_strategy = [row for row in found if row.architecture == compare.architecture]
    by_strategy.sort(key=lambda row: list(compare.strategies).index(row.strategy))
    order = [*compare.architectures, compare.architecture]
    by_architecture.sort(key=lambda row: order.index(row.architecture))
    return by_architecture, by_strategy, next(row for row in by_strategy if row.strategy == compare.baseline)
