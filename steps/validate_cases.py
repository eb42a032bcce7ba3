"""Stop bad data before any training."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import step

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.records.earlier_dataset import earlier_dataset
from dermai.validation import ValidationResult, validate_dataset
from dermai.workspace import find_workspace


@step(enable_cache=False)
def validate_cases(cases: pd.DataFrame, params: Params) -> Annotated[ValidationResult, "validation"]:
    """Never cached: photographs may have changed on disk. What was measured of each is kept by its hash."""
    workspace = find_workspace()
    docs, earlier = workspace.reports / "validation", earlier_dataset(AuditLog(workspace.audit_log))
    result = validate_dataset(cases, workspace.data, params, docs, workspace.state, earlier=earlier)
    print("\n".join((result.summary, *result.lines)))
    return result
