"""Promote or reject a challenger that daily practice has decided on since the last run."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from dermai.config import Params
from dermai.promotion import shadow_mode
from dermai.workspace import find_workspace


@step(enable_cache=False)
def settle_challenger(params: Params) -> Annotated[str, "challenger"]:
    """What was found, empty where no challenger waits; never cached, as diagnoses may have come back."""
    found = shadow_mode.settle_challenger(find_workspace(), params)
    if found:
        print(found)
    return found
