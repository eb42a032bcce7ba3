"""What a backup holds: a folder of plain files and a manifest with the hash of each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from dermai.errors import DermaiError
from dermai.files import sha256_file
from dermai.registry.mlflow_store import sqlite_file
from dermai.workspace import Workspace

FORMAT = 1
MANIFEST, FILES = "manifest.json", "files"
STORE, ARTIFACTS = "mlflow.db", "mlartifacts"
# Files of git that say with what the models were made; a clone may hold other versions of them.
SETTINGS, PROFILES = ("params.yaml", "data.dvc", "dvc.lock"), "profiles"
STATE, REPORTS = "state", "reports"
# Not copied with the state: caches are made anew, registry and reports, which may lie there, are saved by themselves.
SQLITE_ENDS = ("", "-wal", "-shm")  # of the files of one database
LEFT_OUT = ("cache", STORE, ARTIFACTS, REPORTS)


class BackupDamaged(DermaiError):
    """A backup is not whole, or a file of it is not what it was."""


class BackupPart(BaseModel):
    """A part of the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Version(BackupPart):
    """A registered model as it was."""

    version: str
    sha256: str
    aliases: tuple[str, ...] = ()


class Manifest(BackupPart):
    """What was saved, when and of which workspace."""

    format: int = FORMAT
    taken: str
    dermai: str
    commit: str
    data_version: str
    registry: str  # `local`: mlflow.db and its artifacts are in the backup; else the server's address
    versions: tuple[Version, ...]
    records: int
    audit_log: str  # name of the log, empty where there is none
    audit_key: str  # fingerprints name the keys that have to be there after a restore
    pseudonym_key: str
    files: Mapping[str, str]  # path below `files/`: sha256

    def with_alias(self, alias: str) -> Version | None:
        """The version that had an alias."""
        return next((version for version in self.versions if alias in version.aliases), None)


def kept_files(workspace: Workspace) -> Iterator[Path]:
    """What is copied as it is: settings, records, prediction log and reports; neither registry nor databases."""
    of_the_service = {
        workspace.service_database.with_name(workspace.service_database.name + end) for end in SQLITE_ENDS
    }
    for path in (*(workspace.root / name for name in SETTINGS), *sorted((workspace.root / PROFILES).glob("*.yaml"))):
        if path.is_file():
            yield path
    for folder in (workspace.state, workspace.reports):
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder)
            if inner.parts[0] in LEFT_OUT and folder == workspace.state:
                continue
            if path in of_the_service:
                continue
            if path.is_file() and not path.is_symlink() and path.suffix not in {".lock", ".tmp"}:
                yield path


def is_setting(name: str) -> bool:
    """Whether a file of a backup is one of git's: params.yaml and its like, or a profile."""
    return name in SETTINGS or Path(name).parts[0] == PROFILES


def name_in_backup(workspace: Workspace, path: Path) -> str:
    """A file's name below `files/`: as in a workspace that keeps its state and its registry in itself."""
    places = (
        (workspace.store / ARTIFACTS, ARTIFACTS),
        (workspace.reports, REPORTS),
        (workspace.state, STATE),
        (workspace.store, ""),
    )
    for base, prefix in places:
        if path.is_relative_to(base):
            return str(Path(prefix) / path.relative_to(base))
    return str(path.relative_to(workspace.root))


def databases(workspace: Workspace) -> dict[str, Path]:
    """SQLite's files by their name in a backup; SQLite copies them itself, whole even while somebody writes."""
    found = {name_in_backup(workspace, workspace.service_database): workspace.service_database}
    if store := sqlite_file(workspace.tracking_uri):
        found[STORE] = store
    return {name: file for name, file in found.items() if file.is_file()}


def place_of(workspace: Workspace, name: str) -> Path:
    """Where a file of a backup belongs in this workspace."""
    first, *rest = Path(name).parts
    if first == STATE:
        return workspace.state.joinpath(*rest)
    if first == REPORTS:
        return workspace.reports.joinpath(*rest)
    return (workspace.store if first in (STORE, ARTIFACTS) else workspace.root) / name


def read_manifest(backup: Path) -> Manifest:
    """A backup's manifest, after every file was compared with it.

    Raises:
        BackupDamaged: the folder is no backup, or a file is missing, changed or superfluous.
    """
    try:
        manifest = Manifest.model_validate_json((backup / MANIFEST).read_bytes())
    except OSError:
        raise BackupDamaged(f"{backup} holds no {MANIFEST}: it is no backup, or one that was never finished") from None
    except ValidationError as error:
        raise BackupDamaged(f"{backup / MANIFEST} cannot be read: {error.errors()[0]['msg']}") from None
    if manifest.format != FORMAT:
        raise BackupDamaged(f"{backup} is of format {manifest.format}: restore it with the dermai that made it")
    for path in (backup / MANIFEST, backup / FILES, *(backup / FILES).rglob("*")):
        if path.is_symlink():
            link = path.relative_to(backup)
            raise BackupDamaged(f"{backup}: {link} is a link, and no backup holds one: take another copy of it")
    found = {str(path.relative_to(backup / FILES)) for path in (backup / FILES).rglob("*") if path.is_file()}
    for name in sorted({*found, *manifest.files}):
        if name not in found:
            raise BackupDamaged(f"{backup}: {name} is missing: take another copy of the backup")
        if name not in manifest.files:
            raise BackupDamaged(f"{backup}: {name} does not belong to the backup: take another copy of it")
        if sha256_file(backup / FILES / name) != manifest.files[name]:
            raise BackupDamaged(f"{backup}: {name} is not what was saved: take another copy of the backup")
    return manifest


def remove_backup(backup: Path) -> None:
    """Delete a backup, what makes it one last: killed in between, it is found again."""
    for path in backup.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MANIFEST:
            path.unlink()
    (backup / MANIFEST).unlink(missing_ok=True)
    backup.rmdir()


def as_json(manifest: Manifest) -> dict[str, Any]:
    """The manifest as it is written."""
    return manifest.model_dump(mode="json")
