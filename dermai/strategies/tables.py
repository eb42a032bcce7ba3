"""The paper's tables in its own form, its numbers beside ours."""

from __future__ import annotations

from collections.abc import Sequence

from dermai.evaluation.scores import Scores
from dermai.evaluation.tables import ResultTable, percent
from dermai.evaluation.words import p_words
from dermai.percentages import percentage, points
from dermai.strategies.identity import is_identical
from dermai.strategies.paper import METRICS, reported
from dermai.strategies.rule_of_thumb import CategoryVerdict
from dermai.strategies.scores import CellScores

NONE = "–"
NAMES = {"mobilenetv2_100": "MobileNet-V2", "resnet50": "ResNet50", "efficientnet_b3": "EfficientNet-B3"}
NAMES |= {"tf_efficientnet_lite0": "EfficientNet-Lite0"}


def architecture_table(found: Sequence[CellScores]) -> ResultTable:
    """Number of parameters, average accuracy, weighted and macro F1 of each architecture by the baseline strategy."""
    return ResultTable(
        ("Experiments", "Number of parameters", *_beside("Average accuracy", "Weighted F1", "Macro F1")),
        tuple(
            (
                NAMES.get(row.architecture, row.architecture) + row.warning,
                f"{row.summaries[0]['parameters'] / 1e6:.1f}M",
                *_with_paper(row.scores, row.architecture, METRICS),
            )
            for row in found
        ),
    )


def strategy_table(found: Sequence[CellScores]) -> ResultTable:
    """Average accuracy, weighted and macro F1 of each strategy."""
    return ResultTable(
        ("Experiments", *_beside("Aver. acc.", "Weight. F1", "Macro F1"), "Minutes"),
        tuple((row.label, *_with_paper(row.scores, row.strategy, METRICS), f"{row.seconds / 60:.1f}") for row in found),
    )


def class_table(row: CellScores) -> ResultTable:
    """Sensitivity, precision and F1 of each class by one strategy."""
    return ResultTable(
        ("Classes", "Cases", *_beside("Sens.", "Prec.", "F1")),
        tuple(
            (
                f"{number} {name}",
                str(cases),
                *_with_paper(
                    row.scores, row.strategy, [f"{kind}_{name}" for kind in ("sensitivity", "precision", "f1")]
                ),
            )
            for number, (name, cases) in enumerate(row.scores.cases.items(), 1)
        ),
    )


def difference_table(found: Sequence[CellScores], baseline: CellScores) -> ResultTable:
    """Each strategy less the baseline in percentage points, paired on the test patients, with p-values.

    A strategy that made the baseline's very model has no difference: it is said to be identical.
    """
    metrics = ("accuracy", "weighted_f1", "macro_f1", "balanced_accuracy")
    rows = []
    for row in found:
        if row is baseline:
            continue
        if is_identical(row, baseline):
            rows.append((row.label, *["identical", NONE] * len(metrics)))
            continue
        cells = []
        for metric in metrics:
            change = row.scores.difference(baseline.scores, metric)
            cells += [
                f"{points(change.value)} ({points(change.low)} to {points(change.high)})",
                p_words(change.p_value),
            ]
        rows.append((row.label, *cells))
    columns = [name for metric in metrics for name in (metric.replace("_", " ").replace("f1", "F1"), "p")]
    return ResultTable((f"Less {baseline.strategy})", *columns), tuple(rows))


def verdict_table(verdicts: Sequence[CategoryVerdict]) -> ResultTable:
    """What the rule of thumb decided for each shared category."""
    return ResultTable(
        (
            "Category",
            "Source",
            "Photographs there",
            "Here",
            "Distance",
            "Between our categories",
            "Decision",
            "Because",
        ),
        tuple(
            (
                row.category,
                row.source,
                str(row.source_photographs),
                str(row.target_photographs),
                f"{row.distance:.1f}",
                f"{row.spread:.1f}",
                "merge" if row.merge else "train on it before",
                row.reason,
            )
            for row in verdicts
        ),
    )


def _beside(*names: str) -> list[str]:
    return [column for name in names for column in (name, "paper")]


def _with_paper(scores: Scores, key: str, metrics: Sequence[str]) -> list[str]:
    cells = []
    for metric in metrics:
        theirs = reported(key, metric)
        cells += [percent(scores.estimate(metric)), NONE if theirs is None else percentage(theirs, 2)]
    return cells
