"""Histories of releases that kept the last judged photograph alone: which rows of the log were judged by then."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dermai.prediction_log.log import PredictionLog
from monitoring.history import WindowRecord
from monitoring.judged_rows import JudgedRows
from monitoring.windows import PLACE, read_keys


def judged_before(log: PredictionLog, version: str, windows: Sequence[WindowRecord]) -> JudgedRows:
    """The rows that these windows looked at.

    They were cut in order of arrival and photograph, each from the last one's end to its own. Where more photographs
    lie in that stretch now than the window held, those that were written last came too late for it and were never
    judged. What a window passed over because too many were waiting counts as judged.
    """
    arrivals, _ = read_keys(log.parts(version))
    photographs = arrivals.drop_duplicates("image")
    times = pd.to_datetime(photographs["predicted_at"], utc=True)
    keys = pd.Series(list(zip(times, photographs["image"], strict=True)), index=photographs.index, dtype=object)
    done: set[str] = set()
    start: tuple[pd.Timestamp, str] | None = None
    for window in windows:
        end = (pd.Timestamp(window.last), window.last_image)
        inside = photographs[[(start is None or key > start) and key <= end for key in keys]]
        if window.skipped_before:
            passed_over = pd.to_datetime(inside["predicted_at"], utc=True) < pd.Timestamp(window.first)
            done.update(inside.loc[passed_over, "image"])
            inside = inside[~passed_over]
        done.update(inside["image"].head(window.photographs))
        start = end
    return JudgedRows().with_rows(arrivals.loc[arrivals["image"].isin(done), PLACE], arrivals.attrs["rows"])
