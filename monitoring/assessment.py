"""One window of referrals against what the champion knows: every statistic, the verdict, and the facts for words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from dermai.config import MonitoringParams
from dermai.images.acquisition import ACQUISITION
from dermai.language.messages import message
from dermai.prediction_log.log import probability_columns
from monitoring.statistics.case_mix import CategoryChange, changed_categories
from monitoring.statistics.columns import ColumnChange, changed_columns
from monitoring.statistics.confirmed_sensitivity import ConfirmedSensitivity
from monitoring.statistics.diagnosis_mix import change_of_diagnoses, explained_by_diagnoses
from monitoring.statistics.estimated_sensitivity import EstimatedSensitivity, estimate_sensitivity
from monitoring.statistics.groups import Group, confirmed_by_class, sites_and_devices
from monitoring.statistics.label_shift import LabelShift
from monitoring.statistics.looks import Looks, holm
from monitoring.statistics.photographs import ScoredPhotographs

DriftVerdict = Literal["stable", "watch", "act", "too_few"]
CASE_MIX = ("site", "device", "sex", "body_site", "view", "skin_type")
HARMFUL = ("photographs", "scores", "acquisition")  # a change of the patients alone is watched, not acted on
BOOTSTRAP = 200


@dataclass(frozen=True)
class Assessment:
    """What a window showed. `p_values` are Holm's, family by family."""

    photographs: int
    patients: int
    verdict: DriftVerdict
    p_values: dict[str, float]
    distance: float | None = None
    acquisition: tuple[ColumnChange, ...] = ()
    scores: tuple[ColumnChange, ...] = ()
    age: ColumnChange | None = None
    categories: tuple[CategoryChange, ...] = ()
    label_shift: LabelShift | None = None
    explained_by_diagnoses: bool = False
    estimated: tuple[EstimatedSensitivity, ...] = ()
    confirmed: tuple[ConfirmedSensitivity, ...] = ()
    groups: tuple[Group, ...] = ()
    newest: tuple[str, ...] = ()
    apart: bool = False  # a group that stands apart is what is most unusual of the photographs
    act_level: float = 0.0
    watch_level: float = 0.0


def assess(
    window: ScoredPhotographs,
    reference: ScoredPhotographs,
    gated_classes: Sequence[str],
    params: MonitoringParams,
    generator: np.random.Generator,
    known: ScoredPhotographs | None = None,
    floors: Mapping[str, float] | None = None,
) -> Assessment:
    """Compare a window with the reference and say whether the model still sees what it knows.

    Families of statistics (photographs, scores, acquisition, case mix, diagnoses, sensitivity) each yield one p-value
    that is already corrected within the family; Holm corrects across them, and `Looks` across weeks. Where a change
    of photographs or scores is what another mix of diagnoses alone would produce, the verdict is to watch. `known` are
    further photographs with a diagnosis, of any source, for classes that the reference hardly holds; `floors` are the
    sensitivities that confirmed cases are tested against.
    """
    known = known or reference
    patients = int(window.table["patient_id"].nunique())
    looks = Looks(params.watch, params.act, params.looks)
    confirmed = confirmed_by_class(window.table, reference.table, gated_classes, params.confidence, floors)
    if patients < params.fewest_patients or reference.table["patient_id"].nunique() < params.fewest_patients:
        unseen = np.zeros(len(window.table))
        return Assessment(
            photographs=len(window.table),
            patients=patients,
            verdict="too_few",
            p_values={},
            confirmed=confirmed,
            groups=sites_and_devices(window.table, reference.table, unseen, gated_classes, params.confidence, floors),
            act_level=looks.act_each_look,
            watch_level=looks.watch,
        )
    one, other = window.independent(), reference.independent()
    change = window.embedding_change(reference, params.draws, generator)
    group = window.new_group(reference, params.draws, generator)
    score_columns = probability_columns(reference.table)
    scores = changed_columns(one.table, other.table, score_columns)
    acquisition = changed_columns(one.table, other.table, ACQUISITION)
    age = next(iter(changed_columns(one.table, other.table, ["age"])), None)
    categories = changed_categories(one.table, other.table, CASE_MIX, params.draws, generator)
    shift = change_of_diagnoses(one.table, other.table, known.table, gated_classes, params.confidence, generator)
    families = {
        "photographs": min(1.0, 2 * min(change.p_value, group.p_value)),
        "scores": _smallest([column.p_value for column in scores]),
        "acquisition": _smallest([column.p_value for column in acquisition]),
        "case_mix": min(1.0, 2 * _smallest([age.p_value if age else 1.0, *(c.p_value for c in categories)])),
    }
    if shift is not None and not shift.refused:
        families["diagnoses"] = shift.p_value
    tested = [found for found in confirmed if found.cases and (found.reference_cases or found.floor is not None)]
    if tested:
        families["sensitivity"] = min(1.0, len(tested) * min(found.p_value for found in tested))
    p_values = holm(families)
    explained = (
        shift is not None
        and p_values.get("diagnoses", 1.0) <= looks.watch
        and p_values["acquisition"] > looks.watch
        and min(p_values["photographs"], p_values["scores"]) <= looks.watch
        and explained_by_diagnoses(window, reference, known, shift, gated_classes, score_columns, params, generator)
    )
    verdict = _verdict(p_values, explained, looks)
    newness = change.newness + (2.0 * group.apartness if group.p_value < change.p_value else 0.0)
    doubt = ""
    if any(p_values[name] <= looks.watch for name in HARMFUL):
        doubt = (
            message("the mix of diagnoses changed, and the scores were calibrated on the old one")
            if explained
            else message("the photographs or the scores changed, so a score may not mean what it meant")
        )
    return Assessment(
        photographs=len(window.table),
        patients=patients,
        verdict=verdict,
        p_values=p_values,
        distance=change.distance,
        acquisition=tuple(acquisition),
        scores=tuple(scores),
        age=age,
        categories=tuple(categories),
        label_shift=shift,
        explained_by_diagnoses=explained,
        estimated=tuple(_estimated(window.table, reference.table, gated_classes, params, doubt, generator)),
        confirmed=confirmed,
        groups=sites_and_devices(window.table, reference.table, newness, gated_classes, params.confidence, floors),
        newest=tuple(window.table["image"].iloc[np.argsort(-newness, kind="stable")[: params.newest_shown]]),
        apart=group.p_value < change.p_value,
        act_level=looks.act_each_look,
        watch_level=looks.watch,
    )


def _smallest(p_values: Sequence[float]) -> float:
    return min(p_values, default=1.0)


def _verdict(p_values: dict[str, float], explained: bool, looks: Looks) -> DriftVerdict:
    serious = ["acquisition", "sensitivity", *(() if explained else ("photographs", "scores"))]
    if any(p_values.get(name, 1.0) <= looks.act_each_look for name in serious):
        return "act"
    return "watch" if min(p_values.values()) <= looks.watch else "stable"


def _estimated(
    window: pd.DataFrame,
    reference: pd.DataFrame,
    gated_classes: Sequence[str],
    params: MonitoringParams,
    doubt: str,
    generator: np.random.Generator,
) -> list[EstimatedSensitivity]:
    known = reference[reference["diagnosis"] != ""]
    return [
        estimate_sensitivity(
            name,
            window[f"p_{name}"],
            window["predicted"] == name,
            known[f"p_{name}"],
            known["diagnosis"] == name,
            params.confidence,
            BOOTSTRAP,
            generator,
            doubt,
            window["lesion_id"],
            known["patient_id"],
        )
        for name in gated_classes
    ]
