"""The scores of each architecture and strategy over its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dermai.config import Params
from dermai.evaluation.scores import Scores, score_seeds
from dermai.files import sha256_bytes
from dermai.strategies.cells import CellResult
from dermai.taxonomy import load_taxonomy


@dataclass(frozen=True)
class CellScores:
    """All seeds of one architecture and strategy; `answers`: seed -> hash of all that was answered with it."""

    architecture: str
    strategy: str
    title: str
    scores: Scores
    summaries: tuple[dict[str, Any], ...]
    answers: dict[int, str]

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
    classes = [code for code in load_taxonomy().codes if code in answered]
    return [
        CellScores(
            architecture,
            strategy,
            params.compare.strategies[strategy].title,
            score_seeds([result.predictions for result in found], classes, params.evaluation.confidence),
            tuple(result.summary for result in found),
            {result.cell.seed: answers_sha256(result.predictions) for result in found},
        )
        for (architecture, strategy), found in groups.items()
    ]


def answers_sha256(predictions: pd.DataFrame) -> str:
    """Hash of what a model said of each photograph: two that agree to the last digit are the same model."""
    columns = sorted(name for name in map(str, predictions.columns) if name.startswith("p_"))
    return sha256_bytes(predictions.sort_values("image")[["image", *columns]].to_csv(index=False).encode())
