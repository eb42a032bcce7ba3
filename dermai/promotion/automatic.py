"""What the pipeline itself does with a decision, where the policy lets it act without a person."""

from __future__ import annotations

from dermai.config import Params
from dermai.errors import Refused
from dermai.promotion.rules import AUTOMATIC
from dermai.promotion.transaction import promote
from dermai.records.reasons import marked_reasons
from dermai.records.update_record import UpdateAttempt
from dermai.workspace import Workspace


def act_on_decision(workspace: Workspace, params: Params, record: UpdateAttempt) -> str:
    """Promote a candidate that passed, unless a person must approve; says in one sentence what follows.

    A refusal (uncommitted data, a policy nobody approved, a champion that changed meanwhile) is recorded, keeps the
    champion and does not fail the run.
    """
    version = record.candidate.version
    reasons = "".join(f"\n  {reason}" for reason in marked_reasons(record))
    if record.decision and (without := record.decision.no_second_column):
        reasons += f"\n  All confirmed lesions do not count beside the test patients: {without}."
    if record.outcome == "reject":
        return f"version {version} is rejected:{reasons}"
    if record.outcome == "insufficient_evidence":
        text = f"version {version} waits as challenger, the evidence is insufficient:{reasons}"
        if record.champion is None:
            text += f"\nIt may answer for a limited time: `dermai promote {version} --provisional --approver ...`"
        return text
    if params.gate.approval != "auto":
        who = "two persons, one after the other" if params.gate.approval == "two_persons" else "a person"
        return (
            f"version {version} passed and waits for {who}: "
            f"`dermai promote {version} --approver ... --role ... --reason ...`, or `dermai reject`"
        )
    try:
        promote(
            workspace, params, version, approver="incremental_finetune", role=AUTOMATIC, reason="passed the gate"
        )  # fmt: skip
    except Refused as refusal:
        return f"version {version} passed the gate but is not promoted: {refusal}"
    return f"version {version} is the champion"


def promote_by_evidence(
    workspace: Workspace, params: Params, version: str, approver: str, reason: str, done: str
) -> str:
    """Promote a version whose later evidence suffices, unless a person must; says `done`, or why it is not."""
    if params.gate.approval != "auto":
        return f"It waits for a person: `dermai promote {version} --approver ... --role ... --reason ...`"
    try:
        promote(workspace, params, version, approver=approver, role=AUTOMATIC, reason=reason)
    except Refused as refusal:
        return f"It stays as it is: {refusal}"
    return done
