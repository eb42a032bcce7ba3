"""The referrals that are evidence in shadow mode: whose, since when, and with which diagnosis."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from dermai.models.package import ModelPackage
from dermai.prediction_log.log import PredictionLog

SIMULATED = "simulated"  # how the site of every simulated patient begins


@dataclass(frozen=True)
class FollowedUp:
    """Lesions whose follow-up time is over: when each was referred, and its `diagnosis` then, "" where none was known.

    The index of `lesions` is `lesion_id`; `waiting` counts those whose follow-up time still runs.
    """

    lesions: pd.DataFrame  # referred_at, diagnosis, and not_counted: one whose kind of confirmation does not count
    waiting: int


def is_simulated(package: ModelPackage) -> bool:
    """Whether a model learnt from simulated patients only."""
    return len(package.manifest) > 0 and bool(package.manifest["site"].str.startswith(SIMULATED).all())


def learnt_patients(packages: Collection[ModelPackage]) -> set[str]:
    """The patients, by pseudonym, from whom one of the models learnt or on whom it was tuned."""
    return {patient for package in packages for patient in package.manifest["patient_id"]}


def referral_times(
    log: PredictionLog, lesions: Collection[str], versions: Collection[str], as_dated: bool
) -> pd.DataFrame:
    """When each lesion was first scored by all of the versions: `referred_at`, `written` and `first_seen`, by lesion.

    `received_on` can be given a day of the past, so the later of it and the time of writing counts, for the version
    that came last. Where `as_dated` the days count as they were given: for patients who do not exist. `written` is the
    place of that version's row in the order of writing, and `first_seen` when any version, or none, brought the lesion
    into the log.
    """
    rows = log.referred(lesion_id=set(lesions))
    first = rows.groupby(["lesion_id", "model_version"])[["predicted_at", "logged_at", "written"]].min().reset_index()
    first = first[first["model_version"].isin(set(versions))]
    times = first[["predicted_at"]] if as_dated else first[["predicted_at", "logged_at"]]
    latest = first.assign(referred_at=times.max(axis=1)).groupby("lesion_id")[["referred_at", "written"]].max()
    return latest.join(rows.groupby("lesion_id")["logged_at"].min().rename("first_seen"))


def confirmation_times(confirmations: pd.DataFrame, as_dated: bool) -> pd.Series:
    """When each diagnosis counts as confirmed: when it was recorded, or the day given where `as_dated`."""
    if not as_dated:
        return confirmations["recorded_at"]
    given = pd.to_datetime(confirmations["confirmed_on"].fillna(""), format="%Y-%m-%d", errors="coerce", utc=True)
    return given.fillna(confirmations["recorded_at"])


def followed_up(
    referrals: pd.DataFrame,
    confirmations: pd.DataFrame,
    days: int,
    made_at: pd.Timestamp,
    now: pd.Timestamp,
) -> FollowedUp:
    """The lesions that count at `now`, each with the last diagnosis that was recorded within its follow-up time.

    `referrals` is that of `referral_times`. `confirmations` has every diagnosis that ever came back, in the order of
    writing, with `written`, `confirmed_at`, `diagnosis` ("" where its kind of confirmation does not count) and
    `not_counted` ("" where it does). Left out are lesions that came in before the challenger was made at `made_at`, and
    those that had a diagnosis of any kind before all models had scored them: a correction does not make an old
    diagnosis a new one.
    """
    times = {"referred_at": "datetime64[us, UTC]", "first_seen": "datetime64[us, UTC]"}
    referrals = referrals.astype({**times, "written": "Int64"})  # a table without rows knows no types
    known = confirmations.groupby("lesion_id")["written"].min().astype("Int64").reindex(referrals.index)
    fresh = (referrals["first_seen"] > made_at) & ~(known <= referrals["written"]).fillna(False)
    referrals = referrals[fresh.to_numpy(dtype=bool)]
    end = referrals["referred_at"] + pd.Timedelta(days=days)
    over = (end <= now).to_numpy(dtype=bool)
    ends = pd.to_datetime(confirmations["lesion_id"].map(end[over]), utc=True)
    in_time = confirmations[pd.to_datetime(confirmations["confirmed_at"], utc=True) <= ends]
    last = in_time.drop_duplicates("lesion_id", keep="last").set_index("lesion_id")[["diagnosis", "not_counted"]]
    lesions = referrals.loc[over, ["referred_at"]]
    return FollowedUp(lesions.join(last.reindex(lesions.index).fillna("").astype(str)), int((~over).sum()))


def of_two_patients(rows: Mapping[str, pd.DataFrame]) -> set[str]:
    """Lesions with a photograph that stands under two patients: nobody knows whose diagnosis it shows."""
    together = pd.concat([table[["image", "lesion_id", "patient_id"]] for table in rows.values()])
    patients = together.groupby("image")["patient_id"].transform("nunique")
    return set(together.loc[patients > 1, "lesion_id"])
