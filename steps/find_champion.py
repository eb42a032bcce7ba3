"""Who is in production: the models the candidate starts from and is compared with."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from dermai.config import Params
from dermai.promotion.shadow_mode import settle_challenger
from dermai.registry.champion import ReferenceModels, find_reference_models
from dermai.workspace import find_workspace


@step(enable_cache=False)
def find_champion(params: Params) -> Annotated[ReferenceModels, "reference_models"]:
    """The registry may have moved since the last run, so this is never cached.

    A challenger that daily practice has decided on meanwhile is settled first.
    """
    workspace = find_workspace()
    said = settle_challenger(workspace, params)
    if said:
        print(said)
    return find_reference_models(workspace, params)
