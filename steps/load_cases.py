"""Read the case table, the parameters and the dataset version of the workspace."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
from zenml import step

from dermai.config import Params, load_params
from dermai.data.cases import parse_cases
from dermai.workspace import DatasetVersion, dataset_version, find_workspace
from steps.caching import TableMaterializer


@step(enable_cache=False, output_materializers={"cases": TableMaterializer})
def load_cases(
    overrides: dict[str, Any],
) -> tuple[Annotated[pd.DataFrame, "cases"], Annotated[DatasetVersion, "dataset"], Annotated[Params, "params"]]:
    """The rows are judged by the next step; here the table only has to be readable."""
    workspace = find_workspace()
    params = load_params(workspace.params_file, overrides)
    return parse_cases(workspace.cases_file), dataset_version(workspace), params
