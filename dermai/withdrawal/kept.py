"""What stays although it names the patient, and why: records that are signed, or that the law asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dermai.backup.contents import name_in_backup
from dermai.errors import PackageTampered
from dermai.registry.registry import Registry
from dermai.registry.versions import ANCHOR, CHALLENGER, CHAMPION, ModelVersion
from dermai.triage.missed_cancer import incidents_folder
from dermai.withdrawal.traces import withdrawals_folder
from dermai.workspace import Workspace

IN_USE = {CHAMPION, ANCHOR, CHALLENGER}
ACCESS_LOG = "case_accesses"  # table of the service's database: web.accounts.tables
AUDIT = "the signed log cannot be changed; an alarm of an earlier release names one photograph by its hash"
WITHDRAWALS = "names of what was withdrawn, so that it can be shown that it is gone, and found if it comes back"
INCIDENTS = "the file of a missed cancer: its hash is signed, and the law asks for it; its page has no photograph left"
ACCESSES = "who looked at which case: the database refuses to remove a line"


@dataclass(frozen=True)
class KeptPlaces:
    """Folders whose files stay, with the reason, and the tables that stay in the service's database."""

    folders: Mapping[Path, str]
    database: Path
    in_backups: frozenset[str]  # names of these folders there

    def reason(self, file: Path) -> str:
        """Why a file stays; "" where it does not."""
        return next((why for folder, why in self.folders.items() if file.is_relative_to(folder)), "")

    def tables(self, file: Path) -> tuple[str, ...]:
        """The tables of a file that stay."""
        return (ACCESS_LOG,) if file.name.startswith(self.database.name) and file.parent == self.database.parent else ()


def kept_places(workspace: Workspace, registry: Registry | None) -> KeptPlaces:
    """The named records of a workspace, packages in use among them."""
    folders = {
        workspace.audit_log.parent: AUDIT,
        withdrawals_folder(workspace): WITHDRAWALS,
        incidents_folder(workspace): INCIDENTS,
    }
    for version in registry.versions() if registry else ():
        aliases = sorted(set(version.aliases) & IN_USE)
        if registry and aliases:
            why = f"the package of version {version.version} ({', '.join(aliases)}), until another takes its place"
            for folder in package_folders(registry, version):
                folders[folder] = why
    names = frozenset(name_in_backup(workspace, folder) for folder in folders)
    return KeptPlaces(folders, workspace.service_database, names)


def package_folders(registry: Registry, version: ModelVersion) -> tuple[Path, ...]:
    """Where a version's package lies on this machine: in a local store, and as a copy in the cache."""
    try:
        package = registry.download(version.version)
    except PackageTampered:
        return ()
    return package, registry.workspace.cache / "packages" / version.sha256
