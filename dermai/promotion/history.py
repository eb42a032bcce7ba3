"""What the audit log says of models: who was champion, what was decided, what waits."""

from __future__ import annotations

from typing import Any

from dermai.audit import AuditLog, Entry
from dermai.registry.champion import ModelReference
from dermai.registry.registry import ModelVersion

MOVES = ("promotion", "rollback", "rejection")


def champion_history(audit: AuditLog) -> list[str]:
    """Versions that are or were champion, oldest first, without those that were rolled back; the last is champion."""
    void = {entry.body["of"] for entry in audit.entries("confirmation") if entry.body.get("void")}
    history: list[str] = []
    for entry in audit.entries("promotion", "rollback"):
        if entry.sequence in void:
            continue
        version = entry.body["version"]
        if entry.event == "rollback" and version in history:
            del history[history.index(version) :]
        history.append(version)
    return history


def latest_decision(audit: AuditLog, version: str) -> Entry | None:
    """The newest recorded decision on a version: of the attempt that made it, or of its time in shadow mode."""
    decisions = audit.entries("update_attempt", "shadow_decision")
    return next((entry for entry in reversed(decisions) if candidate_of(entry).get("version") == version), None)


def latest_attempt(audit: AuditLog, version: str) -> Entry | None:
    """The newest update attempt that made a version."""
    attempts = audit.entries("update_attempt")
    return next((entry for entry in reversed(attempts) if candidate_of(entry).get("version") == version), None)


def champion_problem(audit: AuditLog, champion: ModelVersion | None) -> str:
    """How the registry's champion differs from the one the records name; empty where it does not."""
    history = champion_history(audit)
    recorded, found = (history[-1] if history else None), (champion.version if champion else None)
    if recorded != found:
        return (
            f"the registry's champion is {found or 'none'}, the records name {recorded or 'none'}: the alias was moved "
            f"outside dermai; settle it with `dermai rollback --to {recorded or found} ...`"
        )
    moves = [entry for entry in audit.entries("promotion", "rollback") if entry.body["version"] == recorded]
    if champion and moves[-1].body["sha256"] != champion.sha256:
        return f"version {found} in the registry is not the package that was promoted under this number"
    return ""


def waiting_version(audit: AuditLog) -> str | None:
    """The version of the newest attempt that waits, where nothing has settled it yet.

    A later candidate that was rejected leaves it waiting; one that passed takes its place.
    """
    attempts = [entry for entry in audit.entries("update_attempt") if entry.body["outcome"] != "reject"]
    if not attempts or not waits(attempts[-1].body):
        return None
    version = candidate_of(attempts[-1])["version"]
    settled = any(entry.body["version"] == version for entry in audit.entries(*MOVES))
    return None if settled else version


def waits(attempt: dict[str, Any]) -> bool:
    """Whether an attempt's candidate waits for more evidence, or for a person's approval."""
    passed = attempt["outcome"] == "promote"
    return attempt["outcome"] == "insufficient_evidence" or (passed and attempt["policy"].get("approval") == "manual")


def candidate_of(entry: Entry) -> dict[str, str]:
    """Version and hash of the candidate that a record is about; empty where there is none."""
    return entry.body.get("candidate") or {}


def reference_to(version: ModelVersion | None) -> dict[str, str] | None:
    """A registered version as records name it."""
    return ModelReference(version=version.version, sha256=version.sha256).model_dump() if version else None
