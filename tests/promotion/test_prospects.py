"""What is planned is what the policy lets decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from dermai.config import load_params
from dermai.promotion.prospects import prospects
from dermai.workspace import Workspace

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(("promotes", "columns"), [("alone", 2), ("never", 1)])
def test_a_column_that_never_decides_is_not_planned_with(workspace: Workspace, promotes: str, columns: int) -> None:
    params = load_params(REPOSITORY / "params.yaml")
    rules = params.gate.all_lesions.model_copy(update={"promotes": promotes})
    params = params.model_copy(update={"gate": params.gate.model_copy(update={"all_lesions": rules})})
    found = prospects(workspace, params, {"MM": 9, "BCC": 9, "benign": 9}, {"MM": 2, "BCC": 2, "benign": 2}, {})
    assert [column.column for column in found][-1] == "test patients alone"
    assert len(found) == columns
