"""Old runs of our pipelines leave ZenML's store with what they made; the newest, and those of others, stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import pandas as pd
from zenml import pipeline, step
from zenml.client import Client
from zenml.utils.pagination_utils import depaginate

from steps.prune_runs import PIPELINES, prune_runs
from tests.conftest import REPOSITORY


@step(enable_cache=False)
def make_a_table(rows: int) -> Annotated[pd.DataFrame, "a_table_to_prune"]:
    return pd.DataFrame({"row": range(rows)})


@step(enable_cache=False)
def make_another(rows: int) -> Annotated[pd.DataFrame, "a_table_of_others"]:
    return pd.DataFrame({"row": range(rows)})


@pipeline(name="a_pipeline_of_others")
def theirs() -> None:
    make_another(4)


@pipeline(name="monitor_drift")
def ours() -> None:
    make_a_table(3)


def kept(name: str) -> list[Path]:
    """Where the artifacts of a name lie that ZenML knows."""
    versions = depaginate(Client().list_artifact_versions, artifact=name)
    return [Path(version.uri) for version in versions]


def test_every_pipeline_of_ours_is_pruned() -> None:
    files = {file.stem for file in (REPOSITORY / "pipelines").glob("*.py")}
    assert files - {"__init__"} == set(PIPELINES)


def test_an_old_run_goes_with_its_artifacts_and_the_newest_stays() -> None:
    for _ in range(3):
        ours()
    before = kept("a_table_to_prune")
    assert prune_runs(timedelta(days=1), datetime.now(UTC)) == 0
    assert prune_runs(timedelta(0), datetime.now(UTC) + timedelta(minutes=1)) == 2
    after = kept("a_table_to_prune")
    assert len(before) == 3
    assert len(after) == 1
    assert [uri.exists() for uri in before] == [uri in after for uri in before]
    assert Client().get_pipeline("monitor_drift").last_run is not None


def test_runs_of_other_pipelines_on_the_same_server_stay() -> None:
    theirs()
    theirs()
    assert prune_runs(timedelta(0), datetime.now(UTC) + timedelta(minutes=1)) == 0
    assert len(kept("a_table_of_others")) == 2
