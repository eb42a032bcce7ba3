"""All confirmed lesions, answered by a model of each line that never saw the patient."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
from zenml import step

from dermai.evaluation.all_lesions import all_lesions_answers
from dermai.registry.champion import ReferenceModels, compared_packages
from dermai.source_code import source_hash
from dermai.workspace import find_workspace
from steps.caching import by_value


def code() -> str:
    """What ZenML compares to know that the code behind this step is the same."""
    return source_hash(__name__)


@step(cache_policy=by_value(code))
def answer_all_lesions(
    cases: pd.DataFrame, references: ReferenceModels, candidate: Path | None = None
) -> tuple[
    Annotated[pd.DataFrame, "all_lesions"], Annotated[pd.DataFrame, "calls"], Annotated[str, "no_second_column"]
]:
    """One row a lesion and model; what each member of a line calls test lesions; why there is none of it."""
    workspace = find_workspace()
    found = all_lesions_answers(workspace, cases, compared_packages(workspace, references, candidate))
    return found.lesions, found.calls, found.missing  # ZenML takes what stands here for the number of outputs
