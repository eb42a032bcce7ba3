"""The records as a page: technical documentation of all updates, as regulators ask for it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dermai.audit import AuditLog, Entry
from dermai.config import Params
from dermai.files import write_text
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.promotion.history import champion_history, latest_attempt
from dermai.promotion.policy_approval import policy_approval
from dermai.promotion.standing import champion_standing
from dermai.records.log import records_of
from dermai.records.moves import PolicyApproval
from dermai.records.reasons import marked_reasons
from dermai.records.summary import summarise, version_of
from dermai.records.update_record import UpdateAttempt
from dermai.registry.registry import Registry
from dermai.registry.versions import CHAMPION, ModelVersion
from dermai.report.model_card import model_card
from dermai.report.pages import render_page
from dermai.workspace import Workspace

# Where the page answers what is asked of an update. Source texts: FDA, Marketing Submission Recommendations for a
# Predetermined Change Control Plan (2024, re-issued 2025); Regulation (EU) 2024/1689, Annex IV and Article 12.
DEMANDS = (
    ("FDA PCCP: description of modifications", "plan", "What may change, and what may not"),
    ("FDA PCCP: modification protocol, data management", "data", "Data of the newest update"),
    ("FDA PCCP: modification protocol, re-training", "training", "Re-training"),
    ("FDA PCCP: modification protocol, performance evaluation", "performance", "Performance and the gate's tests"),
    ("FDA PCCP: modification protocol, update procedures", "moves", "Approvals, promotions and rollbacks"),
    ("FDA PCCP: impact assessment", "performance", "Performance and the gate's tests"),
    ("FDA PCCP: version control", "updates", "All updates"),
    ("EU AI Act, Annex IV 1: general description", "system", "The system in production"),
    ("EU AI Act, Annex IV 2 (d): data requirements and provenance", "data", "Data of the newest update"),
    ("EU AI Act, Annex IV 2 (f): pre-determined changes", "plan", "What may change, and what may not"),
    ("EU AI Act, Annex IV 2 (g): validation and testing", "performance", "Performance and the gate's tests"),
    ("EU AI Act, Annex IV 2 (e) and 3: human oversight, monitoring", "moves", "Approvals, promotions and rollbacks"),
    ("EU AI Act, Annex IV 6: changes through the lifecycle", "updates", "All updates"),
    ("EU AI Act, Article 12: automatic logs", "integrity", "Integrity of the records"),
)
MOVES = ("policy_approval", "promotion", "rejection", "rollback", "refusal")
EVENTS = ("failure", "drift_alarm", "repair", "nothing_new")


def export_records(workspace: Workspace, params: Params, folder: Path) -> list[Path]:
    """Write the pages and a copy of the signed log that an auditor can verify elsewhere; returns the files."""
    audit, registry = AuditLog(workspace.audit_log), Registry(workspace, params)
    champion = registry.by_alias(CHAMPION)
    write_text(folder / "technical_documentation.html", technical_documentation(audit, champion, params))
    files = [folder / "technical_documentation.html"]
    if champion:
        write_text(folder / "model_card.html", model_card(audit, champion, registry.download(champion.version)))
        files.append(folder / "model_card.html")
    for file in (audit.path, audit.head_file, audit.public_key_file):
        if file.exists():
            files.append(Path(shutil.copy(file, folder)))
    return files


def technical_documentation(audit: AuditLog, champion: ModelVersion | None, params: Params) -> str:
    """One page on the system in production, the plan it changes by, and every update: all of it from the records."""
    found, entries = audit.verify(), audit.entries()
    newest = next(reversed(records_of(audit, UpdateAttempt)), None)
    policy = RecordedPolicy.of(params.gate)
    return render_page(
        "technical_documentation.html",
        made=datetime.now(UTC),
        verification=found,
        last=entries[-1] if entries else None,
        champion=champion,
        standing=champion_standing(audit),
        attempt=latest_attempt(audit, champion.version) if champion else None,
        history=champion_history(audit),
        policy=_flat(policy.root),
        policy_sha256=params.gate.hash,
        policy_approved=policy_approval(audit, policy, params.gate.hash) is not None,
        approvals=records_of(audit, PolicyApproval),
        newest=newest,
        evaluations=newest.body.evaluation if newest else {},
        decision=newest.body.decision if newest else None,
        reasons=marked_reasons(newest.body) if newest else (),
        updates=_rows(entries, ("update_attempt", "shadow_decision")),
        moves=_rows(entries, MOVES),
        events=_rows(entries, EVENTS),
        demands=DEMANDS,
        simulated=newest is not None and newest.body.dataset.is_simulated,
    )


def _rows(entries: Sequence[Entry], events: tuple[str, ...]) -> list[tuple[Entry, str, str]]:
    return [(entry, version_of(entry), summarise(entry)) for entry in entries if entry.event in events]


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows
