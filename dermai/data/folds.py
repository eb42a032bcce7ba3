"""Which fold a patient that is trained on belongs to, and which rows a training holds out to choose its weights by."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from dermai.data.splits import draw_order, patient_strata

ROLES = ("train", "validation", "test")
HELD_OUT = "0"
FOLDS_OF_OLD_TABLES, SEED_OF_OLD_TABLES = 5, 20211003  # not parameters: every reader must give the same folds


def assign_folds(new: pd.DataFrame, known: pd.DataFrame, folds: int, seed: int) -> dict[str, str]:
    """The fold of every patient of `new`: "" for test patients, else "0" to `folds - 1`.

    Both tables have one row a photograph with `patient_id`, `source`, `diagnosis`, `split` and `fold`. A patient of
    `known` keeps the fold it has, whatever is diagnosed later; a fold already given in `new` is taken. Everyone else
    goes, in an order drawn by identity, to the fold with the fewest patients of its source and most important
    diagnosis, then with the fewest of all, then with the lowest number, so that the folds stay even as arrivals add
    up. `new` may carry `draw_key`, what the draw is keyed by instead of `patient_id`.
    """
    columns = ["patient_id", "source", "diagnosis"]
    both = pd.concat([known, new], ignore_index=True)[[*columns, "split", "fold"]]
    # The first row that knows a patient's split decides: `known` stands before `new`.
    split = both[both["split"] != ""].drop_duplicates("patient_id").set_index("patient_id")["split"]
    tested = set(split.index[split == "test"])
    given = both[(both["fold"] != "") & ~both["patient_id"].isin(tested)].drop_duplicates("patient_id")
    placed: dict[str, str] = dict(zip(given["patient_id"], given["fold"], strict=True))
    keys = dict(zip(new["patient_id"], new["draw_key" if "draw_key" in new else "patient_id"], strict=True))
    numbers = [str(number) for number in range(folds)]

    strata = patient_strata(both[columns])
    everyone = Counter(placed.values())
    for _, patients in strata.groupby(["source", "stratum"], sort=True)["patient_id"]:
        alike = Counter(placed[patient] for patient in patients if patient in placed)
        free = [p for p in patients if p in keys and p not in placed and p not in tested]
        for patient in sorted(free, key=lambda p: draw_order(seed, keys[p])):
            fold = min(numbers, key=lambda number: (alike[number], everyone[number], int(number)))
            placed[patient] = fold
            alike[fold] += 1
            everyone[fold] += 1
    return {patient: placed.get(patient, "") for patient in new["patient_id"].unique()}


def with_folds(cases: pd.DataFrame) -> pd.DataFrame:
    """A table from when there were three splits, with `fold`, and with `train` in the place of the split `validation`.

    Patients who validated are the held-out fold. Those who were trained on are dealt into the other folds by their
    pseudonyms: models that have learnt from them exist, so that none of them may choose weights. Newcomers even the
    folds out.
    """
    validated = cases["split"] == "validation"
    trained = cases[cases["split"] == "train"].assign(fold="")
    others = assign_folds(trained, trained.iloc[:0], FOLDS_OF_OLD_TABLES - 1, SEED_OF_OLD_TABLES)
    fold = cases["patient_id"].map({patient: str(int(number) + 1) for patient, number in others.items()})
    fold = fold.where(cases["split"] == "train", "").mask(validated, HELD_OUT)
    return cases.assign(split=cases["split"].mask(validated, "train"), fold=fold.astype(object))


def held_out(cases: pd.DataFrame) -> pd.Series:
    """Whether a network learns nothing from a row (bool, the index of `cases`) and chooses its weights by it.

    These are the patients of the first fold, and what a manifest calls `validation`.
    """
    first = cases["fold"] == HELD_OUT if "fold" in cases else False
    return (cases["split"] == "validation") | ((cases["split"] == "train") & first)


def training_roles(cases: pd.DataFrame, learner: str = "network") -> pd.Series:
    """What each row is to a training: `train` (learnt from), `validation` (held out) or `test`.

    Linear heads learn from every fold, and choose by the answers of their sisters.
    """
    if learner == "linear_heads":
        return cases["split"].where(cases["split"] == "test", "train")
    return cases["split"].mask(held_out(cases), "validation")
