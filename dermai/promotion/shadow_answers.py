"""What the models answered on the referrals of a challenger's time in shadow, as the gate takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dermai.config import Params
from dermai.evaluation.predictions import PREFIX, per_lesion
from dermai.gate.reference_standard import counting, without_standard
from dermai.gate.results import LesionResults
from dermai.gate.shadow_evidence import Answers
from dermai.models.package import ModelPackage
from dermai.prediction_log.confirmations import read_every_confirmation
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import KEY
from dermai.promotion.shadow_evidence import (
    FollowedUp,
    confirmation_times,
    followed_up,
    is_simulated,
    learnt_patients,
    of_two_patients,
    referral_times,
)
from dermai.promotion.shadow_readings import readings_of
from dermai.registry.registry import Registry
from dermai.registry.versions import ModelVersion
from dermai.workspace import Workspace


@dataclass(frozen=True)
class ShadowAnswers:
    """The answers on lesions whose follow-up time is over; `not_counted` says which diagnoses do not count, and why."""

    answers: Answers
    not_counted: tuple[str, ...]


def answers_of(
    workspace: Workspace,
    params: Params,
    challenger: ModelVersion,
    champion: ModelVersion | None,
    anchor: ModelVersion | None,
    since: str,
    until: str = "",
) -> ShadowAnswers:
    """On lesions that came in after the challenger was made, and up to the time at which another took its place.

    All models have scored them. Lesions of patients from whom one of the models learnt do not count, nor do those with
    a photograph that stands under two patients. An anchor that is the champion needs no answers of its own.
    """
    log = PredictionLog.of(workspace)
    models = {"challenger": challenger} | ({"champion": champion} if champion else {})
    is_anchor = champion is not None and anchor is not None and anchor.sha256 == champion.sha256
    if anchor is not None and not is_anchor and anchor.version in log.model_versions():
        models["anchor"] = anchor
    registry = Registry(workspace, params)
    packages = {role: ModelPackage.load(registry.download(version.version)) for role, version in models.items()}
    rows = {role: log.read(version.version, _columns(packages[role])).table for role, version in models.items()}
    keys = {role: pd.MultiIndex.from_frame(table[list(KEY)]) for role, table in rows.items()}
    common = set.intersection(*(set(found) for found in keys.values()))
    learnt, mixed = learnt_patients(packages.values()), of_two_patients(rows)
    rows = {
        role: table[keys[role].isin(common) & ~table["patient_id"].isin(learnt) & ~table["lesion_id"].isin(mixed)]
        for role, table in rows.items()
    }
    found = _followed_up(log, params, models, is_simulated(packages["challenger"]), rows["challenger"], since, until)
    results: dict[str, LesionResults] = {}
    for role, table in rows.items():
        counting = table[table["lesion_id"].isin(found.lesions.index)]
        counting = counting.assign(diagnosis=counting["lesion_id"].map(found.lesions["diagnosis"]))
        results[role] = _per_lesion(counting, packages[role])
    if is_anchor:
        results["anchor"] = results["champion"]
    lesions = results["challenger"].lesion_id
    times = found.lesions["referred_at"].loc[lesions].to_numpy(dtype="datetime64[us]").astype(np.int64)
    readings = readings_of(log, rows["challenger"], lesions)
    answers = Answers(results["challenger"], results.get("champion"), results.get("anchor"), times, readings)
    return ShadowAnswers(answers, without_standard(params.gate, found.lesions["not_counted"]))


def _followed_up(
    log: PredictionLog,
    params: Params,
    models: Mapping[str, ModelVersion],
    simulated: bool,
    rows: pd.DataFrame,
    since: str,
    until: str,
) -> FollowedUp:
    versions = [version.version for version in models.values()]
    referrals = referral_times(log, set(rows["lesion_id"]), versions, simulated)
    if until:
        referrals = referrals[pd.to_datetime(referrals["first_seen"], utc=True) <= pd.Timestamp(until)]
    confirmations = read_every_confirmation(log)
    counts = counting(params.gate, confirmations["diagnosis"], confirmations["confirmed_by"].fillna(""))
    confirmations = confirmations.assign(
        confirmed_at=confirmation_times(confirmations, simulated),
        diagnosis=confirmations["diagnosis"].where(counts, ""),
        not_counted=confirmations["diagnosis"].where(~counts, ""),
    )
    now, days = pd.Timestamp.now(tz="UTC"), params.gate.shadow.follow_up_days
    return followed_up(referrals, confirmations, days, pd.Timestamp(since), now)


def _columns(package: ModelPackage) -> list[str]:
    """What is read of a year's log: nothing else is needed here."""
    probabilities = [PREFIX + code for code in package.classes]
    return ["lesion_id", "patient_id", "sex", "age", "skin_type", "site", *probabilities]


def _per_lesion(table: pd.DataFrame, package: ModelPackage) -> LesionResults:
    columns = [*_columns(package), "diagnosis"]
    return LesionResults.from_table(
        per_lesion(table[columns].reset_index(drop=True), package.operating_points, package.call_rule)
    )
