"""Read the case table and the dataset version of the workspace."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import step

from dermai.data.cases import parse_cases
from dermai.workspace import DatasetVersion, code_version, dataset_version, find_workspace
from steps.caching import TableMaterializer


@step(enable_cache=False, output_materializers={"cases": TableMaterializer})
def load_cases() -> tuple[Annotated[pd.DataFrame, "cases"], Annotated[DatasetVersion, "dataset"]]:
    """The rows are judged by the next step; here the table only has to be readable."""
    workspace = find_workspace()
    code_version(workspace)  # refused now rather than after the training
    return parse_cases(workspace.cases_file), dataset_version(workspace)
