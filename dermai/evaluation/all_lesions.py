"""Every confirmed lesion, answered by a model of each line that never saw its patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.data.cases import trainable
from dermai.evaluation.predictions import CASE_COLUMNS, PREFIX, per_lesion
from dermai.models.inference import predict_features
from dermai.models.package import ModelPackage
from dermai.models.seen_features import NetworkLogits, network_logits, package_features
from dermai.models.sister_answers import evidence_answers, learnt_from, sister_calls
from dermai.taxonomy import load_taxonomy
from dermai.workspace import Workspace

DEPLOYED = "deployed"
MOST_MOVED, FEWEST_MOVED = 0.1, 3


class AllLesionsAnswers(NamedTuple):
    """What each model's line says of all confirmed lesions, and of test lesions by each of its members.

    `lesions` has one row a lesion and role, as of `dermai.evaluation.predictions.per_lesion`, with its `fold`, "" of
    test patients, and whether it is `new`: of a patient who is trained on, and not known to the model. `calls` has one
    row a test lesion, role and `member`: the deployed model, or a sister by her fold.
    `missing` says why there are no such answers, "" where there are.
    """

    lesions: pd.DataFrame
    calls: pd.DataFrame
    missing: str


def no_answers(missing: str) -> AllLesionsAnswers:
    """Why there are none, beside tables that name what a row would be of."""
    empty = pd.DataFrame({"role": pd.Series(dtype=str), "lesion_id": pd.Series(dtype=str)})
    return AllLesionsAnswers(empty, empty, missing)


def sisters_missing(package: ModelPackage) -> str:
    """Why a model's line cannot answer for all lesions; "" where it can."""
    if package.linear_parts is None:
        return "has no sister models: its learner makes none (`training.learner: network`)"
    if len(package.linear_parts.sisters) < 2:
        return "has no sister models: its patients were of too few folds"
    if any(sister.choices is None for sister in package.linear_parts.sisters.values()):
        return "was made by a release whose sister models keep no choices of their own"
    return ""


def relabelled_away(package: ModelPackage, confirmed: pd.DataFrame) -> str:
    """Why the confirmed diagnoses cannot be trusted to judge by; "" where nothing speaks against them.

    Of a malignant class more than a tenth, and three lesions or more, are called otherwise since `package` learnt them:
    models that learnt the new diagnoses and a column that judges by them would agree on what may be an accident.
    """
    learnt = package.manifest.drop_duplicates("lesion_id").set_index("lesion_id")["diagnosis"]
    now = confirmed.drop_duplicates("lesion_id").set_index("lesion_id")["diagnosis"]
    both = pd.DataFrame({"then": learnt, "now": now}).dropna()
    for code in load_taxonomy().malignant:
        known = both[both["then"] == code]
        moved = int((known["now"] != code).sum())
        if moved >= FEWEST_MOVED and moved > MOST_MOVED * len(known):
            return f"{moved} of {len(known)} lesions of {code} have another diagnosis since the champion learnt them"
    return ""


def all_lesions_answers(
    workspace: Workspace, cases: pd.DataFrame, models: Mapping[str, ModelPackage]
) -> AllLesionsAnswers:
    """The answers of the models by role; none where a line has no sisters, or many diagnoses of cancer were taken away.

    Test patients are answered by the deployed model, the others by the sister that leaves out their fold; lesions of a
    patient whom that model has learnt all the same, or of a fold without a sister, are not answered.

    Raises:
        InvalidCases: a photograph is missing or damaged, or a lesion has more than one diagnosis.
    """
    without = [f"the {role} {why}" for role, package in models.items() if (why := sisters_missing(package))]
    if without:
        return no_answers("; ".join(without))
    confirmed = trainable(cases).reset_index(drop=True)
    if "champion" in models and (moved := relabelled_away(models["champion"], confirmed)):
        return no_answers(moved)
    by_hash: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}
    tables = []
    for role, package in models.items():
        if package.sha256 not in by_hash:
            about = package, list(confirmed["image"]), workspace.data, workspace.cache, True
            features, networks = package_features(*about), network_logits(*about)
            by_hash[package.sha256] = answers_of_line(package, confirmed, features, networks)
        tables.append([table.assign(role=role) for table in by_hash[package.sha256]])
    lesions, calls = (pd.concat(found, ignore_index=True) for found in zip(*tables, strict=True))
    return AllLesionsAnswers(lesions, calls, "")


def answers_of_line(
    package: ModelPackage,
    confirmed: pd.DataFrame,
    features: NDArray[np.float32],
    networks: NetworkLogits | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of one model's line: all lesions, and the calls of its members on test lesions.

    `features` [N, D] are what the model's network sees of the confirmed cases' photographs, `networks` what fine-tuned
    ones say of them.
    """
    of_test_patients = (confirmed["split"] == "test").to_numpy()
    is_test, is_other = of_test_patients & ~learnt_from(package, confirmed), ~of_test_patients
    test, others = (confirmed[chosen].reset_index(drop=True) for chosen in (is_test, is_other))
    of_test, of_others = (networks.at(chosen) if networks else None for chosen in (is_test, is_other))
    columns, names = [*CASE_COLUMNS, "fold"], [PREFIX + code for code in package.classes]
    probabilities = predict_features(package, features[is_test], test, of_test)
    deployed = test[columns].join(pd.DataFrame(probabilities, columns=names))
    deployed = per_lesion(deployed, package.operating_points, package.call_rule)
    answers = evidence_answers(package, others, features[is_other], of_others)
    by_sisters = per_lesion(others[columns].merge(answers[["image", "called", *names]], on="image"), None)
    by_sisters = by_sisters.assign(predicted=by_sisters["called"]).drop(columns="called")
    calls = sister_calls(package, test, features[is_test], of_test)
    calls[DEPLOYED] = deployed.set_index("lesion_id")["predicted"]
    calls = calls.rename_axis("lesion_id").reset_index().melt("lesion_id", var_name="member", value_name="called")
    by_sisters["new"] = ~by_sisters["lesion_id"].isin(package.manifest["lesion_id"])
    return pd.concat([deployed.assign(new=False), by_sisters], ignore_index=True), calls
