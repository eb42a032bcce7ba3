"""Which cells the comparison of strategies consists of."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import step

from dermai.config import Params
from dermai.source_code import source_hash
from dermai.strategies.experiment import plan_experiment
from dermai.strategies.grid import Grid
from dermai.workspace import find_workspace
from steps.caching import by_value


def code() -> str:
    """What ZenML compares to know that the code behind this step is the same."""
    return source_hash(__name__)


@step(cache_policy=by_value(code))
def plan_comparison(cases: pd.DataFrame, params: Params) -> Annotated[Grid, "grid"]:
    """Also decides what an automatic strategy merges and what it chains."""
    grid = plan_experiment(find_workspace(), cases, params)
    for note in grid.notes:
        print(note)
    return grid
