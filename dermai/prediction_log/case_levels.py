"""Under which level a case stands: that of its most urgent photograph, or the one it was last sorted under.

A further photograph, or another visit under the same number, is answered by itself. It makes no case less urgent, read
or not; a newer answer about the same photographs may.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from dermai.prediction_log.parts import KEY, WRITTEN
from dermai.taxonomy import RiskLevel

ANSWERED = ("champion", "")  # roles whose answers are shown, or who stands where no model answers
RANK = {level.value: place for place, level in enumerate(RiskLevel)}  # most urgent first
NAMES = {place: name for name, place in RANK.items()}
NO_SORTINGS = pd.DataFrame({"case_id": [], "risk": [], "drawn": [], WRITTEN: []})


def case_levels(rows: pd.DataFrame, sortings: pd.DataFrame) -> pd.DataFrame:
    """A row a case of `rows`, by `case_id`: `risk` as the model and the cautions sort it, and `drawn`.

    `rows` has the columns of the log, `role` and `written`, a row an answer; of several about the same photograph that
    of the newest champion counts. `sortings` is `read_sortings`. What was `drawn` for a second reading is read as a
    *priority* case at least.
    """
    shown = rows[rows["role"].isin(ANSWERED)].sort_values(WRITTEN, kind="stable")
    newest = shown.drop_duplicates(list(KEY), keep="last")
    own = newest["risk"].map(RANK).fillna(RANK[RiskLevel.PRIORITY]).groupby(newest["case_id"]).min()
    last = sortings.sort_values(WRITTEN, kind="stable").drop_duplicates("case_id", keep="last").set_index("case_id")
    sorted_as = last["risk"].map(RANK).reindex(own.index).fillna(own)
    risk = own.where(own <= sorted_as, sorted_as).astype(int).map(NAMES)
    drawn = sortings["drawn"].astype(bool) & (sortings["risk"] == RiskLevel.NORMAL)
    return pd.DataFrame({"risk": risk, "drawn": risk.index.isin(set(sortings.loc[drawn, "case_id"]))})


def levels_before(earlier: pd.DataFrame, now: pd.DataFrame, sortings: pd.DataFrame) -> Mapping[str, str]:
    """The level of each case that has photographs beside those of `now`, without these.

    `earlier` is `PredictionLog.referred` about the cases, `now` the photographs that are sorted now.
    """
    keys = list(KEY)
    others = earlier[~pd.MultiIndex.from_frame(earlier[keys]).isin(pd.MultiIndex.from_frame(now[keys]))]
    others = others[others["case_id"].isin(set(now["case_id"]))]
    return dict(case_levels(others, sortings)["risk"])
