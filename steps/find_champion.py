"""Who is in production: the models the candidate starts from and is compared with."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from dermai.config import Params
from dermai.promotion.recorded_models import check_registry
from dermai.promotion.transaction import delete_replaced
from dermai.registry.champion import ReferenceModels, find_reference_models
from dermai.workspace import find_workspace


@step(enable_cache=False)
def find_champion(params: Params) -> Annotated[ReferenceModels, "reference_models"]:
    """Fetches their packages, which later steps load from the workspace. The registry may have moved: never cached."""
    workspace = find_workspace()
    delete_replaced(workspace, params)  # what an update that died before its report has left
    check_registry(workspace, params)
    return find_reference_models(workspace, params)
