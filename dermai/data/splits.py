"""Who is trained on and who is tested on: by patient, stratified, drawn once and never changed."""

from __future__ import annotations

import hashlib

import pandas as pd

from dermai.config import DataParams

FIRST_IMPORTANCE = ("MM", "BCC")  # the gated classes decide a patient's stratum before rarity does


def draw_order(seed: int, identity: str) -> str:
    """A patient's place in a draw: the same on every machine, unrelated to the order of arrival."""
    return hashlib.sha256(f"{seed}:{identity}".encode()).hexdigest()


def assign_splits(new: pd.DataFrame, known: pd.DataFrame, params: DataParams, seed: int) -> dict[str, str]:
    """The split of every patient of `new`.

    Both tables have one row a photograph with `patient_id`, `source`, `diagnosis` and `split`. A patient of `known`
    keeps the split it has; a split already given in `new` (a published one, where it was asked for) is taken; everyone
    else is drawn. Each source and class gets its share of test patients counted over `known` and `new` together, so
    that the shares hold as arrivals add up. `new` may carry `draw_key`, what the draw is keyed by instead of
    `patient_id`.
    """
    splits = dict(zip(known["patient_id"], known["split"], strict=True))
    given = new[new["split"] != ""]
    drawn = dict(zip(given["patient_id"], given["split"], strict=True))
    splits = {**drawn, **splits}
    keys = dict(zip(new["patient_id"], new["draw_key" if "draw_key" in new else "patient_id"], strict=True))

    columns = ["patient_id", "source", "diagnosis"]
    strata = patient_strata(pd.concat([known[columns], new[columns]], ignore_index=True))
    for _, patients in strata.groupby(["source", "stratum"], sort=True)["patient_id"]:
        free = sorted((p for p in patients if p not in splits), key=lambda p: draw_order(seed, keys[p]))
        placed = [splits[p] for p in patients if p in splits]
        test = share_of_patients(len(patients), params.test_fraction, fewest=2) - placed.count("test")
        test = min(max(test, 0), len(free))
        for place, patient in enumerate(free):
            splits[patient] = "test" if place < test else "train"
    return {patient: splits[patient] for patient in new["patient_id"].unique()}


def patient_strata(cases: pd.DataFrame) -> pd.DataFrame:
    """One row a patient: `patient_id`, `source`, `stratum`, its most important diagnosis.

    MM first, then BCC, then the diagnosis that fewest patients have; "" where none has a place in the taxonomy.
    """
    patients = cases.groupby("diagnosis")["patient_id"].nunique()
    others = sorted(set(patients.index) - {*FIRST_IMPORTANCE, ""}, key=lambda name: (patients[name], name))
    importance = {name: place for place, name in enumerate([*FIRST_IMPORTANCE, *others, ""])}
    ranked = cases.assign(importance=cases["diagnosis"].map(importance)).sort_values("importance", kind="stable")
    first = ranked.drop_duplicates("patient_id").rename(columns={"diagnosis": "stratum"})
    return first[["patient_id", "source", "stratum"]].sort_values("patient_id").reset_index(drop=True)


def share_of_patients(patients: int, fraction: float, fewest: int) -> int:
    """A fraction of the patients; at least one and never all of them where there are `fewest`."""
    return 0 if patients < fewest else min(max(1, round(fraction * patients)), patients - 1)
