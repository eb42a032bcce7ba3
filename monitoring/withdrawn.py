"""Which rows are judged once a withdrawn patient's are gone: a part without them is judged as far as it was."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dermai.errors import DermaiError
from dermai.prediction_log.erasing import without_rows
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.order_of_writing import name_without_rows
from dermai.withdrawal.removals import Removal
from dermai.withdrawal.traces import Traces
from dermai.workspace import Workspace
from monitoring.history import history_file, read_history, write_history


def judged_rows(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """Each history of windows, told beforehand of the parts that will take the place of those with the patient."""
    log = PredictionLog.of(workspace)
    for version in log.model_versions():
        file = history_file(workspace, version)
        if not file.is_file() or (judged := read_history(workspace, version).judged) is None:
            continue
        known = {*judged.whole, *judged.rows, *judged.behind}
        gone = {
            part: found.gone
            for part in log.parts(version)
            if part.name in known
            and name_without_rows(part.name) not in known
            and (found := without_rows(part, traces.identifiers, traces.spoken)).changed
        }
        if gone:
            why = f"row numbers of {len(gone)} parts of the prediction log"
            yield Removal(str(file), why, partial(_tell, workspace, version, gone))


def _tell(workspace: Workspace, version: str, gone: dict[Path, NDArray[np.bool_]]) -> None:
    history = read_history(workspace, version)
    judged = history.judged
    if judged is None:
        raise DermaiError(f"{history_file(workspace, version)} was changed meanwhile: run this again")
    for part, rows in gone.items():
        judged = judged.without_rows(part.name, name_without_rows(part.name), rows)
    write_history(workspace, history.model_copy(update={"judged": judged}))
