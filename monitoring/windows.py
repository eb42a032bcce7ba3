"""The windows of the prediction log that nobody has judged yet: by count, in the order in which rows were written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from dermai.config import MonitoringParams
from dermai.prediction_log.confirmations import with_diagnoses
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import (
    EMBEDDING,
    KEY,
    LOGGED_AT,
    WRITTEN,
    DamagedPart,
    damaged_part,
    embedding_matrix,
    read_part,
)
from monitoring.judged_rows import JudgedRows
from monitoring.statistics.photographs import ScoredPhotographs

PLACE = ["part", "row"]


@dataclass(frozen=True)
class Window:
    """A full window; `rows` [part, row] are those of the log that are judged with it."""

    photographs: ScoredPhotographs  # in order of arrival
    first: datetime  # arrivals of the earliest and the latest photograph
    last: datetime
    last_image: str  # written last
    rows: pd.DataFrame
    behind: bool  # a window that was written later has been judged already


@dataclass(frozen=True)
class Waiting:
    """`windows` to be judged now, in the order of writing; `left` photographs wait for another run.

    `judged` has what was judged already, with rows about photographs that were; `backlog` says that some of those left
    were written before the windows.
    """

    windows: tuple[Window, ...]
    left: int
    backlog: bool
    damaged: tuple[DamagedPart, ...]
    judged: JudgedRows
    arrivals: pd.DataFrame  # of those not judged yet

    def after(self, judged: JudgedRows, window: Window) -> JudgedRows:
        """What is judged once `window` is."""
        return judged.with_rows(window.rows, self.arrivals.attrs["rows"])


def next_windows(log: PredictionLog, version: str, judged: JudgedRows, params: MonitoringParams) -> Waiting:
    """Cut what the version has scored and nobody has judged into windows.

    Where more than `most_windows` are waiting, the newest are judged first, as they are what the next patients look
    like; the others wait for a run that has room. A photograph that came in under several cases, or was logged again,
    is one photograph, at the place where it was written first.
    """
    parts = {part.name: part for part in log.parts(version)}
    arrivals, damaged = read_keys([part for name, part in parts.items() if name not in judged.whole])
    arrivals = arrivals[~judged.holds(arrivals)]
    known = arrivals["image"].isin(_judged_images(log, parts, judged, set(arrivals["image"])))
    judged = judged.with_rows(arrivals.loc[known, PLACE], arrivals.attrs["rows"])
    arrivals = arrivals[~known]
    images = arrivals["image"].drop_duplicates().to_numpy()
    most = params.window * params.most_windows
    backlog = len(images) >= most + params.window
    chosen = images[-most:] if backlog else images[: len(images) // params.window * params.window]
    if backlog:
        older = arrivals.loc[arrivals["image"].isin(images[:-most]), "part"]
        judged = judged.model_copy(update={"behind": tuple(sorted({*judged.behind, *older}))})
    table, embeddings = _read_newest(log, parts, arrivals[arrivals["image"].isin(chosen)])
    windows = tuple(
        _window(chosen[start : start + params.window], arrivals, table, embeddings, judged.behind)
        for start in range(0, len(chosen), params.window)
    )
    return Waiting(windows, len(images) - len(chosen), backlog, damaged, judged, arrivals)


def read_keys(parts: Iterable[Path]) -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """Key, arrival, part and row number of every row, in the order of writing; `attrs["rows"]` counts a part's rows."""
    tables, damaged, rows = [], [], {}
    columns = [*KEY, "predicted_at"]
    for part in parts:
        try:
            table = read_part(part, columns, False, None).to_pandas()
        except (OSError, pa.ArrowException) as error:
            damaged.append(damaged_part(part, error))
            continue
        rows[part.name] = len(table)
        tables.append(table.assign(part=part.name, row=range(len(table))))
    empty = pd.DataFrame(columns=[*columns, LOGGED_AT, WRITTEN, *PLACE])
    found = pd.concat(tables, ignore_index=True) if tables else empty
    found = found.sort_values([WRITTEN, *PLACE]).reset_index(drop=True)
    found.attrs["rows"] = rows
    return found, tuple(damaged)


def _judged_images(
    log: PredictionLog, parts: dict[str, Path], judged: JudgedRows, among: Collection[str]
) -> set[str]:  # fmt: skip
    """Which of these photographs stand in a row that was judged."""
    whole = [part for name, part in parts.items() if name in judged.whole]
    index = log.index()
    found: set[str] = set()
    for part in whole if index is None else index.may_hold(whole, {"image": among}):
        try:
            found.update(read_part(part, ["image"], False, {"image": among})["image"].to_pylist())
        except (OSError, pa.ArrowException):
            continue  # it was judged, and is damaged now
    begun, _ = read_keys([part for name, part in parts.items() if name in judged.rows])
    return found | set(begun.loc[judged.holds(begun), "image"])


def _read_newest(
    log: PredictionLog, parts: dict[str, Path], arrivals: pd.DataFrame
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Each photograph once, as it was logged last under the case that brought it first; index: the photograph."""
    first = arrivals.drop_duplicates("image")[list(KEY)]
    rows = arrivals.merge(first, on=list(KEY)).drop_duplicates("image", keep="last")
    if rows.empty:
        return pd.DataFrame(), np.zeros((0, 0), dtype=np.float32)
    tables = [
        read_part(parts[str(name)], None, True, None).take(pa.array(inside["row"].to_numpy(dtype=np.int64)))
        for name, inside in rows.groupby("part")
    ]
    joined = pa.concat_tables(tables, promote_options="permissive")
    embeddings = embedding_matrix(joined[EMBEDDING])
    table = joined.drop_columns([EMBEDDING, LOGGED_AT, WRITTEN]).to_pandas()
    return with_diagnoses(log, table).set_index("image", drop=False), embeddings


def _window(
    images: NDArray[np.object_],
    arrivals: pd.DataFrame,
    table: pd.DataFrame,
    embeddings: NDArray[np.float32],
    behind: Sequence[str],
) -> Window:
    places = np.flatnonzero(table["image"].isin(images))
    order = table.iloc[places].reset_index(drop=True).sort_values(["predicted_at", "image"]).index
    inside = ScoredPhotographs(table.reset_index(drop=True), embeddings).rows(places[order.to_numpy()])
    rows = arrivals.loc[arrivals["image"].isin(images), PLACE]
    times = inside.table["predicted_at"]
    return Window(
        inside,
        times.min().to_pydatetime(),
        times.max().to_pydatetime(),
        str(images[-1]),
        rows,
        behind=bool(rows["part"].isin(behind).all()),
    )
