"""The referrals of the last months as the prediction log has them: what their champion answered, and what came back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from dermai.gate.reference_standard import READING
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import KEY
from dermai.prediction_log.waiting_cases import referred_cases
from dermai.registry.versions import CHAMPION
from dermai.triage.second_reading import unread_second_readings


@dataclass(frozen=True)
class LoggedReferrals:
    """`photographs` has the log's columns and `model_version`, as the champion of the time answered them first.

    `cases` has a row a case of these photographs, by `case_id`: `referred_at`, `risk` (under which it was shown),
    `second_reading`, `diagnosis` and `confirmed_by` (both "" where none came back), and `cancer`, the confirmed gated
    class or "". A reading alone confirms no cancer.
    """

    photographs: pd.DataFrame
    cases: pd.DataFrame
    since: pd.Timestamp | None = None
    in_months: int = 0
    hidden: int = 0  # cases whose second reading is open
    unanswered: int = 0  # cases that no champion had answered


def logged_referrals(log: PredictionLog, months: int, most_cases: int, gated: Collection[str]) -> LoggedReferrals:
    """The cases of the last months, counted back from the newest: those with a confirmed gated class, then the newest.

    Raises:
        AuditLogDamaged: the audit log, which names each part with diagnoses, does not verify.
    """
    cases = referred_cases(log).rename(columns={"risk": "shown"})
    if cases.empty:
        return LoggedReferrals(pd.DataFrame(), cases)
    since = cases["referred_at"].max() - pd.DateOffset(months=months)
    cases = cases[cases["referred_at"] > since]
    confirmed = read_confirmations(log)[0]
    hidden = cases["case_id"].isin(unread_second_readings(log, confirmed))
    known = _diagnoses(confirmed, gated).reindex(cases["case_id"]).fillna("")
    cases = cases.set_index("case_id")[["referred_at", "shown", "second_reading"]].join(known)
    chosen = cases[~hidden.to_numpy()].assign(other=lambda table: table["cancer"] == "").reset_index()
    chosen = chosen.sort_values(["other", "referred_at", "case_id"], ascending=[True, False, True]).head(most_cases)
    photographs = _answers(log, set(chosen["case_id"]))
    answered = chosen[chosen["case_id"].isin(set(photographs["case_id"]))]
    return LoggedReferrals(
        photographs,
        answered.set_index("case_id").drop(columns="other"),
        since,
        len(cases),
        int(hidden.sum()),
        len(chosen) - len(answered),
    )


def _diagnoses(confirmed: pd.DataFrame, gated: Collection[str]) -> pd.DataFrame:
    """By case: its diagnoses, how they were confirmed, and the gated class among them that counts first."""
    order = {code: place for place, code in enumerate(gated)}
    counts = confirmed["diagnosis"].isin(order) & (confirmed["confirmed_by"] != READING)
    ordered = confirmed.assign(
        cancer=confirmed["diagnosis"].where(counts, ""),
        place=confirmed["diagnosis"].where(counts).map(order).fillna(len(order)),
    ).sort_values("place", kind="stable")
    return ordered.groupby("case_id").agg(
        diagnosis=("diagnosis", lambda names: ", ".join(dict.fromkeys(names))),
        confirmed_by=("confirmed_by", lambda kinds: ", ".join(dict.fromkeys(filter(None, kinds)))),
        cancer=("cancer", "first"),
    )


def _answers(log: PredictionLog, cases: Collection[str]) -> pd.DataFrame:
    """Each photograph of these cases as the first champion that saw it answered; a later correction of that counts."""
    found = []
    for version in log.model_versions():
        rows = log.read(version, only=("case_id", cases)).table
        found.append(rows[rows["role"] == CHAMPION].assign(model_version=version))
    if not found:
        return pd.DataFrame(columns=[*KEY, "model_version"])
    table = pd.concat(found, ignore_index=True)
    table = table.assign(_number=pd.to_numeric(table["model_version"], errors="coerce"))
    table = table.sort_values(["predicted_at", "_number"], kind="stable").drop_duplicates(list(KEY))
    return table.drop(columns="_number").reset_index(drop=True)
