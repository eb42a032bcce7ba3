"""The paper's experiment on whatever datasets are there."""

from __future__ import annotations

from typing import Any

from zenml import pipeline

from steps.compare_cells import compare_cells
from steps.load_cases import load_cases
from steps.plan_comparison import plan_comparison


@pipeline
def compare_strategies(overrides: dict[str, Any] | None = None) -> None:
    """Architectures and training strategies of params.yaml, with several seeds, on the target's test patients.

    `overrides` are dotted parameters laid over params.yaml, such as `{"compare.seeds": [1]}`.
    """
    cases, dataset, params = load_cases(overrides or {})
    grid = plan_comparison(cases, params)
    compare_cells(grid, cases, dataset, params)
