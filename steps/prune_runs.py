"""Runs that began long ago go from ZenML's store, with the artifacts that no newer run uses.

    python -m steps.prune_runs --older-than 90

What an update learnt, decided and recorded lies elsewhere: in the registry, the reports and the signed records. What
goes is what ZenML keeps to show a run on its dashboard, and to skip a step whose inputs were seen before.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dermai.environment import silence_telemetry

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import PipelineRunResponse

PIPELINES = ("compare_strategies", "incremental_finetune", "monitor_drift", "triage_cases")
DAYS = 90


def prune_runs(older_than: timedelta, now: datetime) -> int:
    """Delete the runs of these pipelines that began before `now - older_than` and have ended; returns how many.

    Runs and artifacts of other pipelines on the same server stay, and so does the newest run of each of these. Killed
    in the middle, the next call goes on.
    """
    from zenml.client import Client

    client = Client()
    deleted, outputs = 0, set[str]()
    for pipeline in PIPELINES:
        newest, *others = _runs(client, pipeline) or [None]
        outputs |= _outputs(newest) if newest else set()
        for run in others:
            if run.created.replace(tzinfo=UTC) < now - older_than and run.status.is_finished:
                outputs |= _outputs(run)
                client.delete_pipeline_run(run.id)
                deleted += 1
    for version in _unused(client, outputs):
        client.delete_artifact_version(version, delete_from_artifact_store=True)
    return deleted


def _runs(client: Client, pipeline: str) -> list[PipelineRunResponse]:
    """The runs of a pipeline, the newest first."""
    from zenml.utils.pagination_utils import depaginate

    return list(depaginate(client.list_pipeline_runs, pipeline_name=pipeline, sort_by="desc:created"))


def _outputs(run: PipelineRunResponse) -> set[str]:
    """The names of what the steps of a run gave."""
    given = (versions for step in run.steps.values() for versions in step.outputs.values())
    return {version.artifact.name for versions in given for version in versions}


def _unused(client: Client, names: set[str]) -> Iterator[str]:
    """The versions of artifacts of these names that no run uses, by their ids."""
    from zenml.utils.pagination_utils import depaginate

    found = depaginate(client.list_artifact_versions, only_unused=True)
    return iter([str(version.id) for version in found if version.artifact.name in names])


def main() -> None:
    """Prune, and say how much that was."""
    parser = argparse.ArgumentParser(
        prog="python -m steps.prune_runs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--older-than", type=int, default=DAYS, metavar="DAYS", help=f"since a run began ({DAYS})")
    days = parser.parse_args().older_than
    silence_telemetry()
    deleted = prune_runs(timedelta(days=days), datetime.now(UTC))
    print(f"{deleted} runs that began more than {days} days ago are gone, with the artifacts that no other run uses")


if __name__ == "__main__":
    main()
