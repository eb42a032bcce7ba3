"""The whole grid in a workspace, or one cell of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from dermai.config import Params
from dermai.errors import DermaiError
from dermai.strategies.cells import Cell, CellResult, run_cell
from dermai.strategies.grid import Grid, plan_grid
from dermai.workspace import Workspace


def plan_experiment(workspace: Workspace, cases: pd.DataFrame, params: Params) -> Grid:
    """The grid of a workspace; the rule of thumb looks at the photographs through the frozen reference backbone."""

    def embed(images: Sequence[str]) -> np.ndarray:
        from dermai.models.reference_backbone import embed as reference_features

        return reference_features(images, workspace.data, workspace.cache, progress=True)

    return plan_grid(cases, params, embed)


def run_grid(workspace: Workspace, grid: Grid, cases: pd.DataFrame, params: Params) -> list[CellResult]:
    """Every cell, those that are finished from where they lie; the progress counts cells."""
    from tqdm import tqdm

    run = partial(run_cell, workspace, cases=cases, params=params, merged=grid.merged)
    results = []
    with tqdm(grid.cells, desc="cells", unit="cell") as bar:
        for cell in bar:
            bar.set_postfix_str(cell.name)
            results.append(run(cell))
    return results


def run_one(workspace: Workspace, cell: Cell, cases: pd.DataFrame, params: Params) -> CellResult:
    """One cell of the grid as the pipeline runs it.

    Raises:
        DermaiError: the strategy is not in params.yaml, or is left out on this dataset.
    """
    if cell.strategy not in params.compare.strategies:
        raise DermaiError(f"compare.strategies has no {cell.strategy!r}: {', '.join(params.compare.strategies)}")
    grid = plan_experiment(workspace, cases, params) if params.compare.strategies[cell.strategy].automatic else None
    return run_cell(workspace, cell, cases, params, grid.merged if grid else None, progress=True)
