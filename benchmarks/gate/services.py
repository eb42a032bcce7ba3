"""Services with the Derm.AI data's numbers of melanomas and basal cell carcinomas, drawn from real photographs.

Each has its own test patients and folds, dealt as the product deals them, and the lines of several models: what each
says of every lesion of the service, and of the lesions left out of it, by which its true sensitivity is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.config import Params
from dermai.data.folds import assign_folds
from dermai.data.splits import assign_splits
from dermai.evaluation.all_lesions import answers_of_line
from dermai.models.package import MANIFEST_COLUMNS, ModelPackage
from dermai.training.refit import with_linear_parts, without_parts

NUMBERS = {"MM": 52, "BCC": 56}  # of the Derm.AI data
OTHERS = 0.75  # share of a half's other lesions in a service; its specificity is known from the rest
Learn = Callable[[pd.DataFrame, NDArray[np.float32], np.random.Generator], tuple[pd.DataFrame, NDArray[np.float32]]]


@dataclass(frozen=True)
class Photographs:
    """Cases in the order of what the network sees of their photographs, as they are and `blurred`, [N, D]."""

    cases: pd.DataFrame
    seen: NDArray[np.float32]
    blurred: NDArray[np.float32]


def share_of_patients(share: float) -> Learn:
    """What a model has learnt that knew this share of the patients."""

    def learn(
        cases: pd.DataFrame, seen: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        patients = np.sort(cases["patient_id"].unique())
        known = set(rng.permutation(patients)[: round(share * len(patients))])
        chosen = cases["patient_id"].isin(known).to_numpy()
        return cases[chosen].reset_index(drop=True), seen[chosen]

    return learn


def mislabelled(share: float, *codes: str) -> Learn:
    """What a model has learnt to which this share of the lesions of these classes was delivered as naevi."""

    def learn(
        cases: pd.DataFrame, seen: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        lesions = np.sort(cases.loc[cases["diagnosis"].isin(codes), "lesion_id"].unique())
        wrong = set(rng.permutation(lesions)[: round(share * len(lesions))])
        return cases.assign(diagnosis=cases["diagnosis"].mask(cases["lesion_id"].isin(wrong), "Nev")), seen

    return learn


MODELS: dict[str, Learn] = {
    "all patients": share_of_patients(1.0),
    "85 % of the patients": share_of_patients(0.85),
    "another 85 % of the patients": share_of_patients(0.85),
    "half of the patients": share_of_patients(0.5),
    "a third of the patients": share_of_patients(1 / 3),
    "a quarter of the patients": share_of_patients(0.25),
    "half of MM as naevi": mislabelled(0.5, "MM"),
    "three quarters of MM as naevi": mislabelled(0.75, "MM"),
    "half of BCC as naevi": mislabelled(0.5, "BCC"),
    "three quarters of BCC as naevi": mislabelled(0.75, "BCC"),
    "half of MM and BCC as naevi": mislabelled(0.5, "MM", "BCC"),
}
BLURRED = "blurred photographs"


def halves(cases: pd.DataFrame, seed: int) -> tuple[set[str], set[str]]:
    """The lesions in two halves, each class alike."""
    lesions = cases.drop_duplicates("lesion_id").sort_values("lesion_id").sample(frac=1, random_state=seed)
    place = lesions.groupby("diagnosis").cumcount()
    return set(lesions.loc[place % 2 == 0, "lesion_id"]), set(lesions.loc[place % 2 == 1, "lesion_id"])


def draw(photographs: Photographs, half: set[str], params: Params, seed: int) -> pd.DataFrame:
    """A service's cases and those left out: `place` in the photographs, `part` (which of the two), split and fold."""
    cases = photographs.cases.assign(place=np.arange(len(photographs.cases)))
    cases = cases[cases["lesion_id"].isin(half)]
    lesions = cases.drop_duplicates("lesion_id").sort_values("lesion_id").sample(frac=1, random_state=seed)
    size = lesions["diagnosis"].map(lesions["diagnosis"].value_counts() * OTHERS)
    chosen = lesions.groupby("diagnosis").cumcount() < lesions["diagnosis"].map(NUMBERS).fillna(size).round()
    service = cases[cases["lesion_id"].isin(lesions.loc[chosen, "lesion_id"])].assign(part="service", split="", fold="")
    nobody = service.iloc[:0]
    service["split"] = service["patient_id"].map(assign_splits(service, nobody, params.data, seed))
    service["fold"] = service["patient_id"].map(assign_folds(service, nobody, params.data.folds, seed))
    rest = cases[~cases["lesion_id"].isin(service["lesion_id"])].assign(part="left out", split="test", fold="")
    return pd.concat([service, rest]).sort_values("image").reset_index(drop=True)


def answers(photographs: Photographs, drawn: pd.DataFrame, params: Params, seed: int) -> pd.DataFrame:
    """One row a lesion: what each model's line calls it (column `model`), and each member (`model/member`)."""
    seen, blurred = (found[drawn["place"].to_numpy()] for found in (photographs.seen, photographs.blurred))
    train = (drawn["split"] == "train").to_numpy()
    learnt = drawn[train].reset_index(drop=True)
    network = without_parts(params, tuple(sorted(learnt["diagnosis"].unique())), learnt)
    table = drawn.drop_duplicates("lesion_id").set_index("lesion_id")
    table = table[["patient_id", "diagnosis", "part", "split", "sex", "age", "site", "confirmed_by"]]
    for number, name in enumerate([*MODELS, BLURRED]):
        rng = np.random.default_rng([seed, number])
        mine = (learnt, blurred[train]) if name == BLURRED else MODELS[name](learnt, seen[train], rng)
        table = table.join(_called(network, *mine, drawn, seen, params).add_prefix(f"{name}/"))
    return table


def _called(
    network: ModelPackage,
    learnt: pd.DataFrame,
    features: NDArray[np.float32],
    drawn: pd.DataFrame,
    seen: NDArray[np.float32],
    params: Params,
) -> pd.DataFrame:
    """What the line of a model that learnt this calls each lesion (`line`), and each of its members test lesions."""
    package = with_linear_parts(replace(network, manifest=learnt[list(MANIFEST_COLUMNS)]), learnt, features, params)
    lesions, calls = answers_of_line(package, drawn, seen)
    found = lesions.set_index("lesion_id")[["predicted"]].rename(columns={"predicted": "line"})
    return found.join(calls.pivot_table(index="lesion_id", columns="member", values="called", aggfunc="first"))


def stored(photographs: Photographs, half: set[str], params: Params, seed: int, file: Path) -> pd.DataFrame:
    """The answers of one draw, computed where they are not in the file yet."""
    if not file.is_file():
        found = answers(photographs, draw(photographs, half, params, seed), params, seed)
        file.parent.mkdir(parents=True, exist_ok=True)
        found.to_parquet(file.with_suffix(".tmp"))
        file.with_suffix(".tmp").rename(file)
    return pd.read_parquet(file)
