"""`dermai restore`: a backup into an empty workspace, checked before, between and after."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from dermai.audit import AuditLog, SigningKey, key_file
from dermai.audit.beginning import LostLog, settled_logs
from dermai.audit.entries import head_signed, parse_head
from dermai.audit.key import fingerprint
from dermai.backup.contents import (
    ARTIFACTS,
    FILES,
    MANIFEST,
    STORE,
    BackupDamaged,
    Manifest,
    is_setting,
    name_in_backup,
    place_of,
    read_manifest,
)
from dermai.backup.replaced_logs import only_accounts, replaced_logs, set_aside
from dermai.config import load_params, read_overrides
from dermai.errors import DermaiError
from dermai.files import sha256_file, sync_folder
from dermai.records.incidents import Restore
from dermai.registry.champion import ModelReference
from dermai.registry.mlflow_store import sqlite_file
from dermai.registry.registry import Registry
from dermai.registry.versions import CHAMPION
from dermai.workspace import Workspace


@dataclass(frozen=True)
class Restored:
    """What was put back, and what is left to do."""

    manifest: Manifest
    changed_settings: tuple[str, ...]  # files of git that differ from the clone's
    next_steps: tuple[str, ...]


def restore(workspace: Workspace, backup: Path, lose_records: bool = False) -> Restored:
    """Put a backup's files back into a workspace that has none of its own; killed at any point, run it again.

    The restore is written into the audit log where the signing key is at hand.

    Raises:
        BackupDamaged: a file of the backup is not what was saved.
        DermaiError: the workspace holds other records or another registry, an MLflow server does not hold the
            champion that the backup names, or the key knows of newer records than the backup and `lose_records`
            is not given.
    """
    manifest = read_manifest(backup)
    _check_registry(workspace, manifest)
    _check_key(manifest)
    lost = _records_lost(manifest)
    if lost and not lose_records:
        raise DermaiError(
            f"the backup ends at record {manifest.records}, {lost} newer records are known beside the audit key: "
            "look for a newer backup; with --lose-records they are given up, and the log says so"
        )
    replaced, others = _replaced_logs(workspace, manifest, backup)
    if others and not lose_records:
        raise DermaiError(
            f"another audit log ({others[0].log}, {others[0].count} records) was kept in this place: put it back into "
            f"{workspace.audit_log.parent} if it has nothing but accounts, or restore into a clone in another place; "
            "with --lose-records it is given up, and the log says so"
        )
    lost += sum(one.count for one in others)
    moved = {name: digest for name, digest in manifest.files.items() if not is_setting(name)}
    _check_empty(workspace, manifest, moved)
    changed = _settings_that_differ(workspace, manifest)
    if manifest.audit_log:
        set_aside(workspace, manifest.audit_log)
    _put_back(workspace, backup, [*moved, *changed])
    _check_champion(workspace, manifest)
    _write_down(workspace, manifest, lost, replaced, backup)
    return Restored(manifest, changed, _next_steps(manifest, changed))


def _check_registry(workspace: Workspace, manifest: Manifest) -> None:
    here = sqlite_file(workspace.tracking_uri)
    if (manifest.registry == "local") != (here is not None):
        kind = "a local registry" if manifest.registry == "local" else f"the MLflow server {manifest.registry}"
        fix = "unset MLFLOW_TRACKING_URI" if here is None else "set MLFLOW_TRACKING_URI to the restored server"
        raise DermaiError(f"the backup is of a workspace with {kind}: {fix} and run this again")


def _check_key(manifest: Manifest) -> None:
    """A log that this machine's key did not sign could not be continued here."""
    if manifest.audit_key and key_file().exists():
        here = fingerprint(SigningKey.load_or_create().public)
        if here != manifest.audit_key:
            raise DermaiError(
                f"the backup's records are signed by the key {manifest.audit_key}, {key_file()} is {here}: "
                "put that key back from its safe, or restore a backup that was made after the key was changed"
            )


def _records_lost(manifest: Manifest) -> int:
    """How many newer records the head beside the key knows of."""
    if not manifest.audit_log or not key_file().exists():
        return 0
    key = SigningKey.load_or_create()
    witness = key.witness_folder / f"{manifest.audit_log}.head"
    head = parse_head(witness.read_bytes()) if witness.is_file() else None
    return max(0, head.count - manifest.records) if head and head_signed(head, key.public) else 0


def _replaced_logs(
    workspace: Workspace, manifest: Manifest, backup: Path
) -> tuple[tuple[LostLog, ...], tuple[LostLog, ...]]:
    """The logs that the backup's takes the place of here, and those among them that held more than accounts."""
    if not manifest.audit_log:
        return (), ()
    name = name_in_backup(workspace, workspace.audit_log)
    settled = settled_logs(AuditLog(backup / FILES / name).entries())
    known, others = replaced_logs(workspace, manifest.audit_log)
    return tuple(one for one in known if one.log not in settled), tuple(one for one in others if one.log not in settled)


def _check_empty(workspace: Workspace, manifest: Manifest, files: dict[str, str]) -> None:
    """A file that is there already must be the backup's own: an interrupted restore is run again."""
    there = [place_of(workspace, STORE), *place_of(workspace, ARTIFACTS).rglob("*")]
    there += [*(workspace.state / "audit").rglob("*"), *workspace.prediction_log.rglob("*")]
    there += [place_of(workspace, name) for name in files]
    here = only_accounts(workspace.audit_log)
    first_start = here is not None and here.log != manifest.audit_log
    for path in there:
        if not path.is_file() or path.suffix in {".lock", ".tmp"}:
            continue
        if first_start and path.is_relative_to(workspace.audit_log.parent):
            continue
        name = name_in_backup(workspace, path)
        if name == STORE and _same_versions(workspace, manifest):
            continue  # opened after an interrupted restore, it follows its artifacts here
        if name not in files or sha256_file(path) != files[name]:
            if first_start and path == workspace.service_database:
                raise DermaiError(
                    f"`dermai serve` was started here before ({name}): stop it, move {path.parent} aside, which has "
                    "the new accounts alone, and run this again"
                )
            raise DermaiError(
                f"this workspace has records of its own ({name}): restore into a fresh clone in another place, or stop "
                "`dermai serve` and move mlflow.db, mlartifacts/, state/ and reports/ aside first"
            )


def _same_versions(workspace: Workspace, manifest: Manifest) -> bool:
    versions = Registry(workspace, load_params(workspace.params_file, read_overrides(workspace.root))).versions()
    return [(v.version, v.sha256, v.aliases) for v in versions] == [
        (v.version, v.sha256, v.aliases) for v in manifest.versions
    ]


def _settings_that_differ(workspace: Workspace, manifest: Manifest) -> tuple[str, ...]:
    names = [name for name in manifest.files if is_setting(name)]
    here = {name: workspace.root / name for name in names}
    return tuple(n for n in names if not here[n].is_file() or sha256_file(here[n]) != manifest.files[n])


def _put_back(workspace: Workspace, backup: Path, names: list[str]) -> None:
    """Copy everything beside its place first, then move file by file; the registry's database comes last."""
    beside = {
        name: _beside(place_of(workspace, name)) for name in sorted(names, key=lambda name: (name == STORE, name))
    }
    try:
        for name, copy in beside.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(backup / FILES / name, copy)
            if place_of(workspace, name) == workspace.service_database:
                copy.chmod(0o600)
        for name, copy in beside.items():
            copy.replace(place_of(workspace, name))
            sync_folder(copy.parent)
    finally:
        for copy in beside.values():
            copy.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.restore.tmp")


def _check_champion(workspace: Workspace, manifest: Manifest) -> None:
    """The champion is the one that was saved, to the byte."""
    registry = Registry(workspace, load_params(workspace.params_file, read_overrides(workspace.root)))
    expected, found = manifest.with_alias(CHAMPION), registry.by_alias(CHAMPION)
    known = (expected.version, expected.sha256) if expected else None
    if ((found.version, found.sha256) if found else None) != known:
        where = "the restored registry" if manifest.registry == "local" else f"the MLflow server {manifest.registry}"
        name = f"version {expected.version}" if expected else "no champion"
        raise BackupDamaged(
            f"{where} has another champion than the backup names ({name}): restore it to {manifest.taken}"
        )
    if found:
        registry.download(found.version)


def _write_down(
    workspace: Workspace, manifest: Manifest, lost: int, replaced: tuple[LostLog, ...], backup: Path
) -> None:
    if not manifest.audit_log or not key_file().exists():
        return
    champion = manifest.with_alias(CHAMPION)
    AuditLog(workspace.audit_log).append(
        Restore(
            taken=manifest.taken,
            records=manifest.records,
            records_lost=lost,
            manifest_sha256=sha256_file(backup / MANIFEST),
            champion=ModelReference(version=champion.version, sha256=champion.sha256) if champion else None,
            replaces=replaced,
        )
    )


def _next_steps(manifest: Manifest, changed: tuple[str, ...]) -> tuple[str, ...]:
    steps = []
    if manifest.audit_key and not key_file().exists():
        steps.append(f"put the audit key (fingerprint {manifest.audit_key}) back from its safe: {key_file()}")
    if manifest.pseudonym_key:
        steps.append(
            f"put the pseudonym key (fingerprint {manifest.pseudonym_key}) back from its safe, if it is not there"
        )
    if changed:
        steps.append(f"{', '.join(changed)} differ from this clone's commit: look at `git diff`, then commit")
    steps.append("`dvc pull` for the photographs, `dermai audit verify`, `dermai status`")
    return tuple(steps)
