"""The parts of an update report that are computed from cases, plan and predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import pandas as pd

from dermai.continual.plan import UpdatePlan
from dermai.continual.relabelling import relabellings
from dermai.data.cases import photograph_path, trainable
from dermai.data.folds import ROLES, training_roles
from dermai.evaluation.predictions import PREFIX
from dermai.report.thumbnails import thumbnail
from dermai.report.update_report import Answer, DataRow, DataSummary, Mistake, MistakeKind, Role
from dermai.taxonomy import load_taxonomy

SHORT_HASH = 10
KINDS = get_args(MistakeKind)


def data_summary(
    cases: pd.DataFrame,
    plan: UpdatePlan,
    champion_manifest: pd.DataFrame | None,
    version: str,
    version_before: str = "",
    dirty_reason: str = "",
) -> DataSummary:
    """What an update found in the data, by class and site. Removed photographs are described by the manifest."""
    rows = trainable(cases)
    roles = training_roles(rows, plan.learner)
    parts = {
        "new": rows[rows["image"].isin(plan.new)],
        "relabelled": rows[rows["image"].isin(plan.relabelled)],
        "replayed": rows[rows["image"].isin((*plan.replay, *plan.again))],
        **{role: rows[roles == role] for role in ROLES},
    }
    if champion_manifest is not None:
        parts["removed"] = champion_manifest[champion_manifest["image"].isin(plan.removed)]
    counts = pd.DataFrame({name: part.groupby(["diagnosis", "site"]).size() for name, part in parts.items()})
    counts = counts.fillna(0).astype(int)
    order = {code: place for place, code in enumerate(load_taxonomy().codes)}
    keys = sorted(counts.index, key=lambda key: (order.get(key[0], len(order)), key[1]))
    return DataSummary(
        version_before=version_before,
        version=version,
        dirty_reason=dirty_reason,
        rows=tuple(
            DataRow(diagnosis=key[0], site=key[1], **{name: int(n) for name, n in counts.loc[key].items()})
            for key in keys
        ),
        patients={role: int(parts[role]["patient_id"].nunique()) for role in ROLES},
        no_place=int((cases["diagnosis"] == "").sum()),
        changed_parameters=plan.changed_parameters,
        relabellings=relabellings(plan, rows),
        test_changes=plan.test_changes,
    )


def find_mistakes(
    lesions: Mapping[Role, pd.DataFrame], gated_classes: Sequence[str], data_folder: Path, limit: int = 24
) -> tuple[tuple[Mistake, ...], int]:
    """Lesions of the gated classes that candidate or champion got wrong, newly missed first; and how many are left out.

    `lesions` holds the table of `per_lesion` of each model. Nothing in a mistake names patient, lesion or case.
    """
    by_lesion = {role: table.set_index("lesion_id") for role, table in lesions.items()}
    candidate = by_lesion["candidate"]
    found: list[tuple[int, int, str, tuple[Answer, ...]]] = []
    gated = candidate[candidate["diagnosis"].isin(gated_classes)]
    for lesion, truth, image in zip(map(str, gated.index), gated["diagnosis"], gated["image"], strict=True):
        answers = tuple(
            _answer(role, table.loc[[lesion]].iloc[0], truth)
            for role, table in by_lesion.items()
            if lesion in table.index
        )
        kind = _kind({answer.role: answer.right for answer in answers})
        if kind:
            found.append((KINDS.index(kind), list(gated_classes).index(truth), image, answers))
    found.sort(key=lambda mistake: mistake[:3])
    mistakes = tuple(
        Mistake(
            kind=KINDS[kind],
            picture=thumbnail(photograph_path(data_folder, image)),
            photograph=image[:SHORT_HASH],
            truth=gated_classes[code],
            answers=answers,
        )
        for kind, code, image, answers in found[:limit]
    )
    return mistakes, len(found) - len(mistakes)


def _answer(role: Role, row: pd.Series, truth: str) -> Answer:
    code = str(row["predicted"])
    return Answer(role=role, code=code, probability=row[PREFIX + code], right=code == truth)


def _kind(right: Mapping[Role, bool]) -> MistakeKind | None:
    """What a lesion shows; None where candidate and champion are right."""
    if "champion" not in right:
        return None if right["candidate"] else "missed"
    if right["candidate"]:
        return None if right["champion"] else "newly found"
    return "newly missed" if right["champion"] else "missed by both"
