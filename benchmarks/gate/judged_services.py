"""What the gate and two rules of comparison make of one service's answers, and what is true of its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dermai.evaluation.all_lesions import DEPLOYED
from dermai.gate.agreement import agreement
from dermai.gate.columns import Column, SecondColumn, decide_by_columns
from dermai.gate.policy import GatePolicy
from dermai.gate.reference_standard import counting_on_test_patients
from dermai.gate.results import LesionResults

CLASSES = ("MM", "BCC")
BEST_POSSIBLE = {"MM": 0.50, "BCC": 0.50}


@dataclass(frozen=True)
class Update:
    """A scenario: champion and candidate by what they have learnt."""

    title: str
    champion: str
    candidate: str


def sensitivities(table: pd.DataFrame, model: str) -> dict[str, float]:
    """True sensitivity of a model's deployed weights, on the lesions left out."""
    left_out = table[table["part"] == "left out"]
    return {
        code: float((left_out.loc[left_out["diagnosis"] == code, f"{model}/{DEPLOYED}"] == code).mean())
        for code in CLASSES
    }


def true_losses(table: pd.DataFrame, update: Update) -> dict[str, float]:
    """What the candidate's deployed weights lose in sensitivity on the lesions left out, by class."""
    before, after = (sensitivities(table, model) for model in (update.champion, update.candidate))
    return {code: before[code] - after[code] for code in CLASSES}


def results(table: pd.DataFrame, model: str) -> LesionResults:
    """A line's answers on the lesions of a service."""
    lesions = table.reset_index().assign(predicted=table[f"{model}/line"].to_numpy(), skin_type="")
    return LesionResults.from_table(lesions)


def columns(policy: GatePolicy, table: pd.DataFrame, update: Update) -> tuple[Column, SecondColumn]:
    """Both columns of evidence; champion and anchor are the same model, as after a first promotion."""
    service = table[table["part"] == "service"]
    service = service[counting_on_test_patients(policy, service["diagnosis"], service["confirmed_by"])]
    test = service[service["split"] == "test"]
    sisters = [name for name in test if name.startswith(f"{update.candidate}/") and name.rsplit("/", 1)[1].isdigit()]
    agreed = agreement(
        policy, test[f"{update.candidate}/{DEPLOYED}"].to_numpy(dtype=str), test[sisters].to_numpy(dtype=str).T
    )
    few = [results(test, model) for model in (update.candidate, update.champion)]
    everything = [results(service, model) for model in (update.candidate, update.champion)]
    return Column(*few, few[1]), SecondColumn(*everything, everything[1], agreed)


def outcomes(policies: Mapping[str, GatePolicy], table: pd.DataFrame, update: Update, level: float) -> dict[str, str]:
    """The gate's outcome by each policy, and the rules that compare estimates on the test patients."""
    found, first = {}, next(iter(policies.values()))
    test, second = columns(first, table, update)
    for name, policy in policies.items():
        found[name] = decide_by_columns(policy, test, second, alpha=level).outcome
    assert test.champion is not None
    shares = {
        code: [float(model.hits(code, first)[model.truth == code].mean()) for model in (test.candidate, test.champion)]
        for code in CLASSES
    }
    at_least = all(new >= old - 1e-12 for new, old in shares.values())
    above = all(new >= first.floors[code] for code, (new, _) in shares.items())
    return found | {AT_LEAST: _promoted(at_least), THRESHOLD: _promoted(above)}


AT_LEAST, THRESHOLD = "`>=` MM and BCC", "MLflow threshold"


def _promoted(passed: bool) -> str:
    return "promote" if passed else "insufficient_evidence"


def discordance(table: pd.DataFrame, update: Update) -> float:
    """Share of the service's melanomas and basal cell carcinomas on which the two lines differ about the class."""
    service = table[(table["part"] == "service") & table["diagnosis"].isin(CLASSES)]
    hits = [service[f"{model}/line"] == service["diagnosis"] for model in (update.champion, update.candidate)]
    return float((hits[0] != hits[1]).mean())


def variance_ratio(tables: Sequence[pd.DataFrame], update: Update, of_procedure: bool) -> dict[str, float]:
    """How many times the variance of the column's difference about the true one is that of independent lesions.

    By class. True is what the deployed weights do on the lesions left out, or what their sisters do on average: the
    procedure. The variance of the estimate of it is taken off.
    """
    found = {}
    for code in CLASSES:
        errors, independent, of_truth = [], [], []
        for table in tables:
            part = {name: lesions[lesions["diagnosis"] == code] for name, lesions in table.groupby("part")}
            seen = _difference(part["service"], update, "line", code)
            true = _mean_difference(part["left out"], update, code, of_procedure)
            errors.append(seen.mean() - true.mean())
            independent.append(seen.var() / len(seen))
            of_truth.append(true.var() / len(true))
        found[code] = float((np.mean(np.square(errors)) - np.mean(of_truth)) / np.mean(independent))
    return found


def _mean_difference(lesions: pd.DataFrame, update: Update, code: str, of_procedure: bool) -> np.ndarray:
    members = [DEPLOYED]
    if of_procedure:
        prefix = f"{update.candidate}/"
        members = [name.removeprefix(prefix) for name in lesions if name.startswith(prefix)]
        members = [member for member in members if member.isdigit()]
    return np.mean([_difference(lesions, update, member, code) for member in members], axis=0)


def _difference(lesions: pd.DataFrame, update: Update, who: str, code: str) -> np.ndarray:
    new, old = (lesions[f"{model}/{who}"] == code for model in (update.candidate, update.champion))
    return np.asarray(new.astype(float) - old.astype(float))
