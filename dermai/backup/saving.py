"""`dermai backup`: a consistent copy of the workspace's records, taken while nothing else may change them."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from dermai.audit import AuditLog, load_public_key
from dermai.audit.key import fingerprint
from dermai.backup.contents import (
    ARTIFACTS,
    FILES,
    MANIFEST,
    Manifest,
    Version,
    as_json,
    databases,
    kept_files,
    name_in_backup,
)
from dermai.config import Params
from dermai.data.pseudonyms import recorded_fingerprint
from dermai.errors import DermaiError
from dermai.files import locked, sha256_file, sync_folder, write_json
from dermai.prediction_log.log import LOCK
from dermai.registry.mlflow_store import address, sqlite_file
from dermai.registry.registry import Registry
from dermai.workspace import Workspace, code_version, recorded_dataset_hash

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Saved:
    """A finished backup."""

    folder: Path
    manifest: Manifest
    bytes: int
    gone: tuple[str, ...] = ()  # files that went while they were to be copied


def back_up(workspace: Workspace, params: Params, folder: Path, progress: Progress | None = None) -> Saved:
    """Save everything that only this workspace has into a new folder, which appears whole or not at all.

    Not in it: the keys, which belong in a safe of their own; the photographs, which the DVC remote holds; caches,
    quarantine; the database and artifacts of an MLflow server, which are saved by their own means.

    Raises:
        DermaiError: the folder holds something or lies inside the workspace, or the records do not verify.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DermaiError(f"{folder} is not empty: name a new folder, one for each backup")
    if folder.resolve().is_relative_to(workspace.root.resolve()):
        raise DermaiError(f"{folder} lies inside the workspace: name a folder on another disk or machine")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".tmp"))
    try:
        registry = Registry(workspace, params) if Registry.exists(workspace) else None
        if registry:
            registry.versions()  # opens the store, which takes the lock that is held below
        with ExitStack() as held:
            for name in ("promotion.lock", "registry.lock", f"{workspace.prediction_log.name}/{LOCK}"):
                held.enter_context(locked(workspace.state / name))
            manifest, size, gone = _fill(workspace, registry, temporary, progress)
        write_json(temporary / MANIFEST, as_json(manifest))
        temporary.chmod(0o700)
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(folder.parent)
    return Saved(folder, manifest, size, gone)


def _fill(
    workspace: Workspace, registry: Registry | None, folder: Path, progress: Progress | None
) -> tuple[Manifest, int, tuple[str, ...]]:
    audit = AuditLog(workspace.audit_log)
    found = audit.verify()
    if not found.ok:
        raise DermaiError(f"the audit log does not verify ({found.problems[0]}): run `dermai audit verify` first")
    store = sqlite_file(workspace.tracking_uri)
    versions = registry.versions() if registry else []
    sources = list(kept_files(workspace))
    if store and store.exists():
        sources += sorted(path for path in (workspace.store / ARTIFACTS).rglob("*") if path.is_file())
    hashes: dict[str, str] = {}
    gone: list[str] = []
    number = 0
    while sources:
        number += 1
        source = sources.pop(0)
        name = name_in_backup(workspace, source)
        target = folder / FILES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source, target)
        except FileNotFoundError:  # a report that Evidently gave up, a referral that was filed: locks hold neither
            gone.append(name)
        else:
            hashes[name] = sha256_file(target)
        if progress:
            progress(number, number + len(sources))
        if not sources and gone:  # what went may have moved
            known = {*hashes, *gone}
            sources = [path for path in kept_files(workspace) if name_in_backup(workspace, path) not in known]
    size = sum((folder / FILES / name).stat().st_size for name in hashes)
    for name, file in databases(workspace).items():
        target = folder / FILES / name
        _copy_database(file, target)
        hashes[name], size = sha256_file(target), size + target.stat().st_size
    manifest = Manifest(
        taken=datetime.now(UTC).isoformat(timespec="seconds"),
        dermai=metadata.version("dermai"),
        commit=code_version(workspace).commit,
        data_version=recorded_dataset_hash(workspace) or "unversioned",
        registry="local" if store else address(workspace.tracking_uri),
        versions=tuple(Version(version=v.version, sha256=v.sha256, aliases=v.aliases) for v in versions),
        records=len(found.entries),
        audit_log=found.entries[0].log if found.entries else "",
        audit_key=fingerprint(load_public_key(audit.public_key_file)) if audit.public_key_file.is_file() else "",
        pseudonym_key=recorded_fingerprint(workspace),
        files=hashes,
    )
    return manifest, size, tuple(gone)


def _copy_database(file: Path, target: Path) -> None:
    """SQLite's own copy, whole even while somebody writes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
