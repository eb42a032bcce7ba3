"""The paper's experiment on whatever datasets are there."""

from __future__ import annotations

from typing import Any

from zenml import pipeline

from steps.compare_cells import compare_cells
from steps.load_cases import load_cases
from steps.load_parameters import load_parameters
from steps.parameter_text import Text
from steps.plan_comparison import plan_comparison


@pipeline
def compare_strategies(profile: Text = "", overrides: dict[str, Any] | None = None) -> None:
    """Architectures and training strategies of params.yaml, with several seeds, on the target's test patients.

    `profile` names a file in profiles/ that is laid over params.yaml; `overrides` are single
    parameters laid over both, such as `{"compare.seeds": [1]}`.
    """
    params, _ = load_parameters(profile, overrides or {})
    cases, dataset = load_cases()
    grid = plan_comparison(cases, params)
    compare_cells(grid, cases, dataset, params)
