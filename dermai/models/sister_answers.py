"""What the sisters of a model say of patients whom they never saw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.models.calibration import apply_temperature
from dermai.models.fusion import Choices, PartScores
from dermai.models.operating_points import predict
from dermai.models.package import ModelPackage
from dermai.models.seen_features import NetworkLogits


class SisterScores(NamedTuple):
    """What sisters say of the photographs that one answers, with class indices [N]; `answered` is bool of all [M].

    `seen` [N]: whether she has learnt the photograph's diagnosis. A diagnosis that the model does not know is -1.
    """

    answers: PartScores
    labels: NDArray[np.integer]
    seen: NDArray[np.bool_]
    answered: NDArray[np.bool_]


def one_sister(
    package: ModelPackage,
    fold: int,
    cases: pd.DataFrame,
    features: NDArray[np.float32],
    networks: NetworkLogits | None = None,
) -> PartScores:
    """The scores of every part of one sister for any cases, in the order of `features` and `networks`."""
    assert package.linear_parts is not None
    sister = package.linear_parts.sisters[fold]
    photograph = sister.head.scores(features)
    clinical = np.zeros_like(photograph) if sister.clinical is None else sister.clinical.scores(cases)
    if package.fine_tuned is None:
        return PartScores(photograph, clinical)
    if networks is None:
        raise ValueError("this package's fusion needs the scores of its fine-tuned networks")
    network = package.fine_tuned.sisters[fold]
    return PartScores(photograph, clinical, network.scores(networks.of(str(fold)), package.classes, photograph))


def sister_scores(
    package: ModelPackage,
    cases: pd.DataFrame,
    features: NDArray[np.float32],
    networks: NetworkLogits | None = None,
) -> SisterScores:
    """What the sisters say of patients who are no test patients, each of those of her fold whom she never saw.

    `cases` are rows of the case table, in the order of `features` and `networks`, which a model with fine-tuned
    networks needs. Answered is a photograph where there is a sister who learnt from none of its patient.
    """
    parts = package.linear_parts
    assert parts is not None
    index = {code: place for place, code in enumerate(package.classes)}
    folds = cases["fold"].astype(int).to_numpy()
    labels = cases["diagnosis"].map(index).fillna(-1).to_numpy(dtype=int)
    photograph, clinical, network = np.zeros((3, len(cases), len(package.classes)))
    answered, seen = np.zeros((2, len(cases)), dtype=bool)
    for fold, sister in parts.sisters.items():
        own = (folds == fold) & ~learnt_from(package, cases, fold)
        if not own.any():
            continue
        answered |= own
        given = one_sister(package, fold, cases[own], features[own], networks.at(own) if networks else None)
        photograph[own], clinical[own] = given.photograph, given.clinical
        if given.fine_tuned is not None:
            network[own] = given.fine_tuned
        seen[own] = (labels[own] >= 0) & sister.head.known[labels[own]]
    found = PartScores(photograph, clinical, None if package.fine_tuned is None else network)
    return SisterScores(found.of(answered), labels[answered], seen[answered], answered)


def learnt_from(package: ModelPackage, cases: pd.DataFrame, fold: int | None = None) -> NDArray[np.bool_]:
    """Which of these rows [N] are of patients from whom a sister has learnt, or, without a fold, the deployed model.

    By her head or by her network. A patient is known by any photograph, lesion or pseudonym that was learnt: what was
    learnt under another patient, and corrected since, is learnt all the same.
    """
    parts, manifest = package.linear_parts, package.manifest
    if fold is None:
        learnt, tuned = (manifest["split"] != "test").to_numpy(), package.fine_tuned and package.fine_tuned.deployed
    else:
        assert parts is not None
        learnt, tuned = parts.sisters[fold].learnt, package.fine_tuned and package.fine_tuned.sisters[fold]
    images = set(tuned.learnt) if tuned else set()
    rows = manifest[learnt | manifest["image"].isin(images).to_numpy()]
    known = cases["image"].isin(images)
    for name in ("image", "lesion_id", "patient_id"):
        known |= cases[name].isin(set(rows[name]))
    return cases["patient_id"].isin(set(cases.loc[known, "patient_id"])).to_numpy()


def answers_of(
    choices: Choices,
    classes: tuple[str, ...],
    cases: pd.DataFrame,
    photograph: NDArray[np.float64],
    clinical: NDArray[np.float64],
    fine_tuned: NDArray[np.float64] | None = None,
) -> pd.DataFrame:
    """Image, diagnosis, fold and `p_<class>` of each case, and `called`: what its lesion is called, in all its rows."""
    scores = choices.fusions.scores(PartScores(photograph, clinical, fine_tuned))
    probabilities = apply_temperature(scores, choices.temperature)
    names = [f"p_{code}" for code in classes]
    table = cases[["image", "diagnosis", "fold"]].reset_index(drop=True)
    table = table.join(pd.DataFrame(probabilities, columns=names))
    means = table[names].groupby(cases["lesion_id"].to_numpy()).transform("mean").to_numpy()
    places = predict(means, classes, choices.operating_points, choices.call_rule)
    return table.assign(called=np.asarray(classes, dtype=object)[places])


def evidence_answers(
    package: ModelPackage,
    cases: pd.DataFrame,
    features: NDArray[np.float32],
    networks: NetworkLogits | None = None,
) -> pd.DataFrame:
    """The answers that are evidence on each patient: of the sister who never saw them, under choices that never did.

    The arguments are as in `sister_scores`, of patients whom the model may never have met; who cannot be answered so is
    left out. Columns as in `answers_of`.
    """
    parts = package.linear_parts
    assert parts is not None
    scores = sister_scores(package, cases, features, networks)
    there = cases[scores.answered].reset_index(drop=True)
    folds = there["fold"].astype(int).to_numpy()
    found = []
    for fold, sister in parts.sisters.items():
        own = folds == fold
        if sister.choices is not None and own.any():
            rows = there[own].reset_index(drop=True)
            found.append(answers_of(sister.choices, package.classes, rows, *scores.answers.of(own)))
    if found:
        return pd.concat(found, ignore_index=True)
    return pd.DataFrame(columns=["image", "diagnosis", "fold", *(f"p_{code}" for code in package.classes), "called"])


def sister_calls(
    package: ModelPackage,
    cases: pd.DataFrame,
    features: NDArray[np.float32],
    networks: NetworkLogits | None = None,
) -> pd.DataFrame:
    """What each sister calls the lesions of patients whom no member has learnt, under her own choices.

    A row a lesion, by `lesion_id`; a column a sister, named by her fold.
    """
    parts = package.linear_parts
    assert parts is not None
    found = {}
    for fold, sister in sorted(parts.sisters.items()):
        if sister.choices is not None:
            given = one_sister(package, fold, cases, features, networks)
            answers = answers_of(sister.choices, package.classes, cases, *given)
            found[str(fold)] = answers["called"].groupby(cases["lesion_id"].to_numpy()).first()
    return pd.DataFrame(found)
