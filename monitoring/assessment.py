"""One window of referrals against what the champion knows: every statistic, the verdict, and the facts for words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.config import MonitoringParams
from dermai.triage.acquisition import ACQUISITION
from monitoring.case_mix import CategoryChange, changed_categories
from monitoring.columns import ColumnChange, changed_columns, one_row_a_patient
from monitoring.confirmed_sensitivity import ConfirmedSensitivity, confirmed_sensitivity
from monitoring.estimated_sensitivity import EstimatedSensitivity, estimate_sensitivity
from monitoring.label_shift import LabelShift, estimate_label_shift
from monitoring.looks import Looks, holm
from monitoring.mmd import EmbeddingChange, embedding_change
from monitoring.new_group import NewGroup, new_group
from monitoring.prediction_log import probability_columns

Verdict = Literal["stable", "watch", "act", "too_few"]
CASE_MIX = ("site", "device", "sex", "body_site", "view", "skin_type")
HARMFUL = ("photographs", "scores", "acquisition")  # a change of the patients alone is watched, not acted on
OTHER = "other"
BOOTSTRAP = 200
SHARES_BOOTSTRAP = 1999


@dataclass(frozen=True)
class Photographs:
    """Scored photographs: the champion's validation set, or a window of referrals.

    `table` has patient_id, lesion_id, diagnosis ("" when unknown), predicted, p_<class>, the acquisition properties
    and the clinical columns; `embeddings` is [N, D].
    """

    table: pd.DataFrame
    embeddings: NDArray[np.float32]

    def rows(self, positions: NDArray[np.intp]) -> Photographs:
        """Some of the photographs."""
        return Photographs(self.table.iloc[positions].reset_index(drop=True), self.embeddings[positions])


@dataclass(frozen=True)
class Group:
    """One site or device of the window."""

    kind: str
    name: str
    photographs: int
    share: float
    reference_share: float
    share_of_newest: float  # of the quarter of the window that looks newest
    sensitivity: tuple[ConfirmedSensitivity, ...]


@dataclass(frozen=True)
class Assessment:
    """What a window showed. `p_values` are Holm's, family by family."""

    photographs: int
    patients: int
    verdict: Verdict
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
    window: Photographs,
    reference: Photographs,
    gated_classes: Sequence[str],
    params: MonitoringParams,
    generator: np.random.Generator,
    known: Photographs | None = None,
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
            groups=_groups(window.table, reference.table, unseen, gated_classes, params.confidence, floors),
            act_level=looks.act_each_look,
            watch_level=looks.watch,
        )
    one, other = _independent(window), _independent(reference)
    change = _embedding_change(window, reference, params.draws, generator)
    group = _new_group(window, reference, params.draws, generator)
    score_columns = probability_columns(reference.table)
    scores = changed_columns(one.table, other.table, score_columns)
    acquisition = changed_columns(one.table, other.table, ACQUISITION)
    age = next(iter(changed_columns(one.table, other.table, ["age"])), None)
    categories = changed_categories(one.table, other.table, CASE_MIX, params.draws, generator)
    shift = _label_shift(one.table, other.table, known.table, gated_classes, params.confidence, generator)
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
        and _explained(window, reference, known, shift, gated_classes, score_columns, params, generator)
    )
    verdict = _verdict(p_values, explained, looks)
    newness = change.newness + (2.0 * group.apartness if group.p_value < change.p_value else 0.0)
    doubt = ""
    if any(p_values[name] <= looks.watch for name in HARMFUL):
        doubt = (
            "the mix of diagnoses changed, and the scores were calibrated on the old one"
            if explained
            else "the photographs or the scores changed, so a score may not mean what it meant"
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
        groups=_groups(window.table, reference.table, newness, gated_classes, params.confidence, floors),
        newest=tuple(window.table["image"].iloc[np.argsort(-newness, kind="stable")[: params.newest_shown]]),
        apart=group.p_value < change.p_value,
        act_level=looks.act_each_look,
        watch_level=looks.watch,
    )


def _smallest(p_values: Sequence[float]) -> float:
    return min(p_values, default=1.0)


def _verdict(p_values: dict[str, float], explained: bool, looks: Looks) -> Verdict:
    serious = ["acquisition", "sensitivity", *(() if explained else ("photographs", "scores"))]
    if any(p_values.get(name, 1.0) <= looks.act_each_look for name in serious):
        return "act"
    return "watch" if min(p_values.values()) <= looks.watch else "stable"


def _independent(photographs: Photographs) -> Photographs:
    return photographs.rows(one_row_a_patient(photographs.table["patient_id"]))


def _embedding_change(
    window: Photographs, reference: Photographs, draws: int, generator: np.random.Generator
) -> EmbeddingChange:
    return embedding_change(
        window.embeddings,
        reference.embeddings,
        window.table["patient_id"].to_numpy(),
        reference.table["patient_id"].to_numpy(),
        draws,
        generator,
    )


def _new_group(window: Photographs, reference: Photographs, draws: int, generator: np.random.Generator) -> NewGroup:
    return new_group(
        window.embeddings,
        reference.embeddings,
        window.table["patient_id"].to_numpy(),
        reference.table["patient_id"].to_numpy(),
        draws,
        generator,
    )


def _grouped_scores(table: pd.DataFrame, gated_classes: Sequence[str]) -> NDArray[np.float64]:
    """[N, G + 1]: the gated classes' probabilities, then the rest."""
    gated = table[[f"p_{name}" for name in gated_classes]].to_numpy(dtype=float)
    return np.column_stack([gated, np.clip(1 - gated.sum(axis=1), 0, 1)])


def _grouped_labels(table: pd.DataFrame, gated_classes: Sequence[str]) -> NDArray[np.intp]:
    position = {name: index for index, name in enumerate(gated_classes)}
    return table["diagnosis"].map(lambda name: position.get(name, len(position))).to_numpy(dtype=np.intp)


def _label_shift(
    window: pd.DataFrame,
    reference: pd.DataFrame,
    known: pd.DataFrame,
    gated_classes: Sequence[str],
    confidence: float,
    generator: np.random.Generator,
) -> LabelShift | None:
    reference, known = reference[reference["diagnosis"] != ""], known[known["diagnosis"] != ""]
    if reference.empty:
        return None
    return estimate_label_shift(
        _grouped_scores(window, gated_classes),
        _grouped_scores(reference, gated_classes),
        _grouped_labels(reference, gated_classes),
        (*gated_classes, OTHER),
        1 - (1 - confidence) / (len(gated_classes) + 1),  # Bonferroni over the classes
        SHARES_BOOTSTRAP,
        generator,
        (_grouped_scores(known, gated_classes), _grouped_labels(known, gated_classes)),
    )


def _explained(
    window: Photographs,
    reference: Photographs,
    known: Photographs,
    shift: LabelShift,
    gated_classes: Sequence[str],
    score_columns: Sequence[str],
    params: MonitoringParams,
    generator: np.random.Generator,
) -> bool:
    """Whether a reference with the window's estimated mix of diagnoses looks like the window."""
    remixed = _remixed(reference, known, shift, gated_classes, generator)
    if remixed.table["patient_id"].nunique() < params.fewest_patients // 2:
        return False
    draws = min(params.draws, 999)
    photographs = _embedding_change(window, remixed, draws, generator).p_value
    group = _new_group(window, remixed, draws, generator).p_value
    scores = changed_columns(_independent(window).table, _independent(remixed).table, score_columns)
    return min(1.0, 3 * min(photographs, group, _smallest([column.p_value for column in scores]))) > params.watch


def _remixed(
    reference: Photographs,
    known: Photographs,
    shift: LabelShift,
    gated_classes: Sequence[str],
    generator: np.random.Generator,
) -> Photographs:
    """The reference with the window's shares of the gated classes; what it lacks of them comes from `known`."""
    own, further = _grouped_labels(reference.table, gated_classes), _grouped_labels(known.table, gated_classes)
    unseen = ~known.table["image"].isin(set(reference.table["image"])).to_numpy()
    others = len(gated_classes)
    mine = [generator.permutation(np.flatnonzero(own == place)) for place in range(others + 1)]
    spare = [generator.permutation(np.flatnonzero((further == place) & unseen)) for place in range(others)]
    held = [len(mine[place]) + len(spare[place]) for place in range(others)] + [len(mine[others])]
    size = min(count / share for count, share in zip(held, shift.window, strict=True) if share > 0)
    wanted = [round(size * share) for share in shift.window]
    kept = [rows[:count] for rows, count in zip(mine, wanted, strict=True)]
    added = [spare[place][: wanted[place] - len(kept[place])] for place in range(others)]
    one, other = reference.rows(np.concatenate(kept)), known.rows(np.concatenate(added))
    return Photographs(
        pd.concat([one.table, other.table], ignore_index=True), np.concatenate([one.embeddings, other.embeddings])
    )


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


def lesion_hits(table: pd.DataFrame, lesion_class: str) -> tuple[int, int]:
    """Confirmed lesions of a class, and how many the model called on at least one photograph: (hits, cases)."""
    confirmed = table[table["diagnosis"] == lesion_class]
    called = (confirmed["predicted"] == lesion_class).groupby(confirmed["lesion_id"]).any()
    return int(called.sum()), len(called)


def confirmed_by_class(
    window: pd.DataFrame,
    reference: pd.DataFrame,
    gated_classes: Sequence[str],
    confidence: float,
    floors: Mapping[str, float] | None,
) -> tuple[ConfirmedSensitivity, ...]:
    """True sensitivity of each gated class among the confirmed lesions."""
    return tuple(
        confirmed_sensitivity(
            name, *lesion_hits(window, name), *lesion_hits(reference, name), confidence, (floors or {}).get(name)
        )
        for name in gated_classes
    )


def _groups(
    window: pd.DataFrame,
    reference: pd.DataFrame,
    newness: NDArray[np.float64],
    gated_classes: Sequence[str],
    confidence: float,
    floors: Mapping[str, float] | None,
) -> tuple[Group, ...]:
    newest = np.argsort(-newness, kind="stable")[: max(1, len(newness) // 4)]
    groups = []
    for kind in ("site", "device"):
        names = window[kind].replace("", "unknown")
        before = reference[kind].replace("", "unknown")
        for name in sorted(names.unique()):
            inside = (names == name).to_numpy()
            groups.append(
                Group(
                    kind,
                    name,
                    int(inside.sum()),
                    float(inside.mean()),
                    float((before == name).mean()) if len(before) else 0.0,
                    float(inside[newest].mean()),
                    confirmed_by_class(window[inside], reference, gated_classes, confidence, floors),
                )
            )
    return tuple(groups)
