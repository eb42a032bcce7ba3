"""The models in use as the signed records name them: an alias, a tag or a checksum file can be written by others."""

from __future__ import annotations

from collections.abc import Sequence

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.errors import Refused
from dermai.promotion.history import champion_problem, latest_attempt, recorded_anchor
from dermai.promotion.transaction import repair
from dermai.registry.champion import ModelReference, reference_to
from dermai.registry.registry import Registry
from dermai.registry.versions import ANCHOR, CHALLENGER, CHAMPION, PREVIOUS, ModelVersion, under_aliases
from dermai.workspace import Workspace

IN_USE = {CHAMPION, CHALLENGER, ANCHOR, PREVIOUS}


def check_registry(workspace: Workspace, params: Params) -> None:
    """What is about to be used from the registry is what the records name; an interrupted move is finished first.

    Raises:
        AuditLogDamaged: the log does not verify.
        Refused: champion, anchor or challenger is another version, or another package under the recorded number.
    """
    repair(workspace, params)
    audit = AuditLog(workspace.audit_log)
    if problem := registry_problem(audit, Registry(workspace, params).versions()):
        raise Refused(f"{problem}; `dermai status` names the next step")


def registry_problem(audit: AuditLog, versions: Sequence[ModelVersion]) -> str:
    """How champion, anchor or challenger in the registry differ from the records; empty where they do not."""
    by_alias = under_aliases(versions)
    if problem := champion_problem(audit, by_alias.get(CHAMPION)):
        return problem
    found, recorded = reference_to(by_alias.get(ANCHOR)), recorded_anchor(audit)
    if found != recorded:
        return f"the registry's anchor is {_in_words(found)}, the records name {_in_words(recorded)}"
    challenger = by_alias.get(CHALLENGER)
    attempt = latest_attempt(audit, challenger.version) if challenger else None
    if challenger and (attempt is None or attempt.body.candidate != reference_to(challenger)):
        return f"the registry's challenger is {_in_words(reference_to(challenger))}, which no recorded update has made"
    return ""


def served_problems(audit: AuditLog, registry: Registry) -> tuple[str, ...]:
    """Versions in use beside whose package lies other code, or another setting, than was recorded with them.

    dermai's own commands run none of it; `mlflow models serve` does.
    """
    found = []
    for version in registry.versions():
        attempt = latest_attempt(audit, version.version) if set(version.aliases) & IN_USE else None
        recorded = attempt.body.served_sha256 if attempt else ""
        if recorded and registry.served_sha256(version.version) != recorded:
            found.append(
                f"what `mlflow models serve` runs for version {version.version} is not what was recorded with it: "
                "do not serve it; put the registry's files back from a backup"
            )
    return tuple(found)


def _in_words(reference: ModelReference | None) -> str:
    return f"version {reference.version} with hash {reference.sha256[:12]}" if reference else "none"
