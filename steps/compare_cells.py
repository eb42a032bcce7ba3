"""Train and test every cell of the grid, and leave the page."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import log_metadata, step
from zenml.types import HTMLString

from dermai.config import Params
from dermai.strategies.grid import Grid
from dermai.workspace import DatasetVersion, find_workspace
from steps.this_run import run_name


@step(enable_cache=False)
def compare_cells(
    grid: Grid, cases: pd.DataFrame, dataset: DatasetVersion, params: Params
) -> Annotated[HTMLString, "comparison"]:
    """Finished cells are found below state/cache/compare, so a run that was killed goes on where it was."""
    from dermai.report.comparison_report import publish_comparison
    from dermai.strategies.experiment import run_grid

    workspace = find_workspace()
    results = run_grid(workspace, grid, cases, params)
    page = publish_comparison(workspace, params, run_name(), grid, results, dataset.hash)
    log_metadata({"cells": len(results), "report": str(page)})
    print(f"report: {page}")
    return HTMLString(page.read_text(encoding="utf-8"))
