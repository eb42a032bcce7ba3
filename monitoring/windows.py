"""The newest windows of the prediction log that nobody has judged yet: by count, in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from dermai.config import MonitoringParams
from dermai.prediction_log.confirmations import with_diagnoses
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import DamagedPart
from monitoring.statistics.photographs import ScoredPhotographs


@dataclass(frozen=True)
class Mark:
    """The last photograph that has been judged."""

    time: datetime
    image: str


@dataclass(frozen=True)
class Window:
    """A full window, and the mark that it leaves."""

    photographs: ScoredPhotographs
    first: datetime
    last: Mark


@dataclass(frozen=True)
class Waiting:
    """`windows`, oldest first; `left` photographs do not fill one yet; `skipped` older windows were left out."""

    windows: tuple[Window, ...]
    left: int
    skipped: bool
    damaged: tuple[DamagedPart, ...]


def next_windows(log: PredictionLog, version: str, after: Mark | None, params: MonitoringParams) -> Waiting:
    """Cut what the version has scored since `after` into windows, reading no more days than that takes.

    Where more than `most_windows` are waiting, only the newest are judged: they are what the next patients look like.
    A photograph that came in under several cases is one photograph.
    """
    most = params.window * params.most_windows
    start = after.time - timedelta(microseconds=1) if after else None
    rows = log.read(version, after=start, newest=most + params.window, with_embeddings=True)
    table, embeddings = rows.table, rows.embeddings
    if after is not None and len(table):
        new = _later(table, after)
        table, embeddings = table[new], embeddings[new]
    once = ~table["image"].duplicated().to_numpy()
    table, embeddings = table[once], embeddings[once]
    skipped = len(table) >= most + params.window
    if skipped:
        table, embeddings = table[-most:], embeddings[-most:]
    table = with_diagnoses(log, table.reset_index(drop=True))
    full = len(table) // params.window
    windows = tuple(
        _window(ScoredPhotographs(table, embeddings), np.arange(start, start + params.window))
        for start in range(0, full * params.window, params.window)
    )
    return Waiting(windows, len(table) - full * params.window, skipped, rows.damaged)


def _later(table: pd.DataFrame, mark: Mark) -> np.ndarray:
    time = pd.Timestamp(mark.time)
    at, image = table["predicted_at"], table["image"]
    return np.asarray((at > time) | ((at == time) & (image > mark.image)))


def _window(rows: ScoredPhotographs, positions: np.ndarray) -> Window:
    inside = rows.rows(positions)
    times = inside.table["predicted_at"]
    last = Mark(times.iloc[-1].to_pydatetime(), str(inside.table["image"].iloc[-1]))
    return Window(inside, times.iloc[0].to_pydatetime(), last)
