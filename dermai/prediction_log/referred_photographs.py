"""Every photograph of the referrals with the newest answer that was shown, read part by part and kept in the process.

A part never changes, so a service that looks again reads only those that were written since.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dermai.images.acquisition import ACQUISITION
from dermai.prediction_log.case_levels import ANSWERED
from dermai.prediction_log.log import PredictionLog, version_of
from dermai.prediction_log.parts import EMBEDDING, KEY, LOGGED_AT, WRITTEN, read_part
from dermai.prediction_log.waiting_cases import SIMULATED

FIRST_SEEN, CAME_IN, REFERRED_AT = "first_seen", "came_in", "referred_at"


@dataclass
class ReferredPhotographs:
    """The photographs of one log; `table` is made anew when parts were added or are gone."""

    log: PredictionLog
    _parts: dict[str, pd.DataFrame] = field(default_factory=dict)
    _table: pd.DataFrame | None = None

    def table(self) -> pd.DataFrame:
        """A row a photograph, case and lesion, in the order of writing, without embeddings.

        The columns of the log, `model_version`, `referred_at` (the later of the given day and the moment of writing;
        the given day of patients who do not exist), `first_seen`, its place in the order of writing when it first came
        in, and `came_in`, when that was. Of several answers that of the newest champion of its time counts. Parts that
        cannot be read are passed over, as `PredictionLog.read` names them.
        """
        there = {part.name: part for version in self.log.model_versions() for part in self.log.parts(version)}
        if self._table is not None and there.keys() == self._parts.keys():
            return self._table
        for name in self._parts.keys() - there.keys():
            del self._parts[name]
        for name in there.keys() - self._parts.keys():
            part = there[name]
            try:
                with pq.ParquetFile(part) as file:
                    columns = [c for c in file.schema_arrow.names if c not in (EMBEDDING, *ACQUISITION)]
                rows = read_part(part, columns, False, None).to_pandas()
            except (OSError, pa.ArrowException):
                continue
            self._parts[name] = rows.assign(model_version=version_of(part))
        self._table = _newest(list(self._parts.values()))
        return self._table


def _newest(tables: list[pd.DataFrame]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=[*KEY, "patient_id", "role", "site", "risk", "predicted", "diagnoses",
                                     "model_version", FIRST_SEEN, CAME_IN, REFERRED_AT, WRITTEN])  # fmt: skip
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[rows["role"].isin(ANSWERED)].sort_values(WRITTEN, kind="stable")
    simulated = rows["site"].fillna("").str.startswith(SIMULATED)
    came = rows["predicted_at"].where(simulated, rows[["predicted_at", LOGGED_AT]].max(axis=1))
    rows = rows.assign(**{REFERRED_AT: came})
    first = rows.groupby(list(KEY), sort=False).agg(
        **{FIRST_SEEN: (WRITTEN, "min"), CAME_IN: (LOGGED_AT, "min"), REFERRED_AT: (REFERRED_AT, "min")}
    )
    newest = rows.drop_duplicates(list(KEY), keep="last").drop(columns=REFERRED_AT)
    return newest.merge(first, left_on=list(KEY), right_index=True, how="left").reset_index(drop=True)
