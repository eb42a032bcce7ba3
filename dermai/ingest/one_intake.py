"""What surrounds an intake: the cases that are known, one intake at a time, and nothing left where there is no room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

from dermai.data.cases import empty_cases, read_cases
from dermai.errors import DatasetMismatch, DermaiError
from dermai.files import NO_ROOM, no_room, taking_turns
from dermai.ingest.store import sweep
from dermai.workspace import Workspace


@contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """One intake at a time; a second one is refused."""
    try:
        with taking_turns(workspace.state / "intake.lock"):
            yield
    except BlockingIOError as error:
        raise DermaiError(f"another import is running in this workspace ({error}): wait for it to end") from None


@contextmanager
def room_for(workspace: Workspace) -> Iterator[None]:
    """Where the disk fills up: leave no photograph there that the case table does not name, and say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        sweep(workspace.data, set(known_cases(workspace)["image"]))
        raise DermaiError(
            f"{no_room(error, workspace.root)}: make room and take the delivery in again; "
            "until then the case table is as it was, or has all of it"
        ) from error


def known_cases(workspace: Workspace) -> pd.DataFrame:
    """The case table, or an empty one where there is no dataset yet.

    Raises:
        DatasetMismatch: data.dvc names a dataset that is not here.
    """
    if workspace.cases_file.is_file():
        return read_cases(workspace.cases_file)
    if (workspace.root / "data.dvc").is_file():
        raise DatasetMismatch(
            "data.dvc names a dataset that is not here: run `dvc pull`, so that the new cases are added to it "
            "(or remove data.dvc to begin a dataset of your own)"
        )
    return empty_cases()
