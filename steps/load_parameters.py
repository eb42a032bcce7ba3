"""Read the parameters once, for all steps of a run."""

from __future__ import annotations

from typing import Annotated, Any

from zenml import step

from dermai.config import Overrides, Params, load_params, read_overrides
from dermai.workspace import find_workspace


@step(enable_cache=False)
def load_parameters(
    profile: str, overrides: dict[str, Any]
) -> tuple[Annotated[Params, "params"], Annotated[Overrides, "overrides"]]:
    """What the run works with, and what it was made of: the second goes into the records."""
    workspace = find_workspace()
    laid_over = read_overrides(workspace.root, profile, overrides)
    return load_params(workspace.params_file, laid_over), laid_over
