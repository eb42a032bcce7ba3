"""The paper's tables in its own form, its numbers beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dermai.config import Params
from dermai.evaluation.scores import Scores, score_seeds
from dermai.evaluation.tables import ResultTable, percent
from dermai.evaluation.words import p_words
from dermai.percentages import percentage, points
from dermai.strategies.cells import CellResult
from dermai.strategies.paper import METRICS, reported
from dermai.strategies.rule_of_thumb import CategoryVerdict

NONE = "–"
NAMES = {"mobilenetv2_100": "MobileNet-V2", "resnet50": "ResNet50", "efficientnet_b3": "EfficientNet-B3"}
NAMES |= {"tf_efficientnet_lite0": "EfficientNet-Lite0"}


@dataclass(frozen=True)
class CellScores:
    """All seeds of one architecture and strategy."""

    architecture: str
    strategy: str
    title: str
    scores: Scores
    summaries: tuple[dict[str, Any], ...]

    @property
    def label(self) -> str:
        """`b) Pre-train. ImageNet and EDRA`, with a warning where the weights could not be had."""
        return f"{self.strategy}) {self.title}{self.warning}"

    @property
    def warning(self) -> str:
        return " (random weights: no ImageNet weights at hand)" if self.summaries[0]["weights_missing"] else ""

    @property
    def seconds(self) -> float:
        """Mean over the seeds."""
        return sum(summary["seconds"] for summary in self.summaries) / len(self.summaries)


def outcomes(results: Sequence[CellResult], params: Params) -> list[CellScores]:
    """Score each architecture and strategy over its seeds, on the classes of the target's test photographs."""
    groups: dict[tuple[str, str], list[CellResult]] = {}
    for result in results:
        groups.setdefault((result.cell.architecture, result.cell.strategy), []).append(result)
    answered = {name for result in results for name in (*result.predictions["diagnosis"],)}
    from dermai.taxonomy import load_taxonomy

    classes = [code for code in load_taxonomy().codes if code in answered]
    return [
        CellScores(
            architecture,
            strategy,
            params.compare.strategies[strategy].title,
            score_seeds([result.predictions for result in found], classes, params.evaluation.confidence),
            tuple(result.summary for result in found),
        )
        for (architecture, strategy), found in groups.items()
    ]


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
    """Each strategy less the baseline in percentage points, paired on the test patients, with p-values."""
    metrics = ("accuracy", "weighted_f1", "macro_f1", "balanced_accuracy")
    rows = []
    for row in found:
        if row is baseline:
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
