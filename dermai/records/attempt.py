"""The record of one update attempt, put together from what its steps found."""

from __future__ import annotations

from typing import Any, TypeVar

import pandas as pd

from dermai.config import Overrides, Params
from dermai.continual.plan import UpdatePlan, taken_back
from dermai.continual.relabelling import relabellings
from dermai.data.cases import trainable
from dermai.data.folds import ROLES, training_roles
from dermai.evaluation.words import count_words
from dermai.files import sha256_json
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.models.package import ModelPackage
from dermai.records.test_labels import keep_test_labels
from dermai.records.update_record import DatasetRecord, UpdateRecord, describe_code, describe_photographs, trigger
from dermai.registry.champion import ReferenceModels, load_reference_package
from dermai.training.summary import TrainingSummary
from dermai.workspace import DatasetVersion, Workspace, code_version

Kind = TypeVar("Kind", bound=UpdateRecord)


def describe_dataset(
    cases: pd.DataFrame, plan: UpdatePlan, dataset: DatasetVersion, test_labels: str = ""
) -> DatasetRecord:
    """What an attempt learnt from, chose on and was judged on, with counts by class, site, device and skin type."""
    rows = trainable(cases)
    roles = training_roles(rows, plan.learner)
    by_role = {
        "new": rows[rows["image"].isin(plan.new)],
        "relabelled": rows[rows["image"].isin(plan.relabelled)],
        "replay": rows[rows["image"].isin(plan.replay)],
        **{role: rows[roles == role] for role in ROLES},
        "no_place_in_taxonomy": cases[cases["diagnosis"] == ""],
    }
    sets = {role: describe_photographs(part) for role, part in by_role.items()}
    train, test = (set(by_role[split]["patient_id"]) for split in ("train", "test"))
    both = len(train & test)  # no pseudonym: nothing is ever erased from the audit log
    leakage = (f"{count_words(both, 'patient')} in train and test",) if both else ()
    return DatasetRecord(
        version=dataset.hash,
        dirty_reason=dataset.dirty_reason,
        sets=sets,
        leakage=leakage,
        relabelled=relabellings(plan, rows),
        test_labels=test_labels,
        test_changes=plan.test_changes,
    )


def taken_back_by_role(workspace: Workspace, references: ReferenceModels, cases: pd.DataFrame) -> dict[str, int]:
    """How many photographs champion and anchor hold that were taken back; roles that hold none are left out."""
    found: dict[str, int] = {}
    for role, reference in (("champion", references.champion), ("anchor", references.anchor)):
        package = load_reference_package(workspace, reference)
        if package is not None and (held := taken_back(package.manifest, cases)):
            found[role] = len(held)
    return found


def describe_attempt(
    kind: type[Kind],
    workspace: Workspace,
    params: Params,
    laid_over: Overrides,
    attempt: str,
    cases: pd.DataFrame,
    plan: UpdatePlan,
    dataset: DatasetVersion,
    references: ReferenceModels,
    **found: Any,
) -> Kind:
    """A record with everything that every attempt has; `found` adds candidate, decision, evaluation and so on."""
    return kind(
        attempt=attempt,
        trigger=trigger(),
        champion=references.champion.reference if references.champion else None,
        anchor=references.anchor.reference if references.anchor else None,
        taken_back=taken_back_by_role(workspace, references, cases),
        dataset=describe_dataset(cases, plan, dataset, keep_test_labels(workspace, cases)),
        code=describe_code(workspace),
        seed=params.seed,
        profile=laid_over.profile,
        overrides=laid_over.values,
        params_sha256=sha256_json(params.model_dump(mode="json")),
        policy=RecordedPolicy.of(params.gate),
        policy_sha256=params.gate.hash,
        report=f"reports/incremental_finetune/{attempt}/report.html",
        speed=plan.speed,
        speed_reason=plan.speed_reason,
        **found,
    )


def change_note(plan: UpdatePlan) -> str:
    """One sentence for the people who use the model: what it learnt that the one before had not."""
    counts = {name: len(getattr(plan, name)) for name in ("new", "relabelled", "removed", "replay")}
    heads = plan.learner == "linear_heads"
    start = {
        "bootstrap": "First model, trained",
        "update": "Linear heads, refitted" if heads else "Trained on from the champion",
        "from_anchor": "Trained anew, without what was taken back,",
        "nothing": "Nothing to learn: compared with the champion's manifest,",
    }[plan.mode]
    words = {"replay": "known before"} if heads else {}
    parts = [f"{number} {words.get(name, name)}" for name, number in counts.items() if number]
    parts += [f"{len(plan.again)} learnt again"] if plan.again else []
    note = f"{start} with photographs: {', '.join(parts) or 'none new'}."
    note += f" A network was fine-tuned beside them: {plan.speed_reason}." if plan.speed == "slow" else ""
    if plan.judges_champion_again:
        changes = (str(change) for change in plan.test_changes if change.kind != "joined")
        note += f" Test labels changed: {'; '.join(changes)}."
    return f"{note} Changed parameters: {'; '.join(plan.changed_parameters)}." if plan.changed_parameters else note


def recorded_training(package: ModelPackage) -> TrainingSummary | None:
    """A package's account of its training, as far as this release knows it."""
    return TrainingSummary.model_validate(package.training, extra="ignore") if package.training else None


def registry_tags(
    workspace: Workspace, params: Params, attempt: str, package: ModelPackage, dataset: DatasetVersion
) -> dict[str, str]:
    """What a registered version says of itself."""
    return {
        "attempt": attempt,
        "data_version": dataset.hash,
        "git_commit": code_version(workspace).commit,
        "backbone": package.backbone,
        "classes": ",".join(package.classes),
        "policy_sha256": params.gate.hash,
    }
