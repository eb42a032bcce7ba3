"""What DVC keeps of earlier dataset versions: its cache here, and each remote, whatever kind of store that is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dermai.errors import DermaiError, ServiceUnavailable
from dermai.withdrawal.traces import Traces
from dermai.workspace import Workspace

LISTING = ".dir"


@dataclass(frozen=True)
class StoredVersion:
    """A dataset version: `listing` has the path below `data/` and the object of each file."""

    oid: str
    listing: tuple[tuple[str, str], ...]

    def holds(self, traces: Traces) -> bool:
        """Whether one of the patient's photographs is in it."""
        return any(True for _ in self.photographs(traces))

    def photographs(self, traces: Traces) -> Iterator[str]:
        """The objects of the patient's photographs."""
        images = {f"{image}.jpg" for image in traces.images}
        yield from (oid for path, oid in self.listing if path.rpartition("/")[2] in images)

    def tables(self) -> Iterator[str]:
        """The objects that are no photograph: the case table, and what stands beside it."""
        yield from (oid for path, oid in self.listing if not path.startswith("images/"))


@dataclass(frozen=True)
class ObjectStore:
    """DVC's cache or a remote."""

    name: str
    odb: Any  # dvc_data's HashFileDB

    def versions(self) -> Iterator[StoredVersion]:
        """Every dataset version that is listed here."""
        for oid in self._oids:
            if oid.endswith(LISTING) and self.has(oid):
                entries = json.loads(self.content(oid))
                yield StoredVersion(oid, tuple((entry["relpath"], entry["md5"]) for entry in entries))

    @cached_property
    def _oids(self) -> list[str]:
        try:
            return sorted(self.odb.all())
        except FileNotFoundError:
            return []
        except Exception as error:
            raise ServiceUnavailable(
                f"DVC's {self.name} does not answer ({error}): start it, then run this again"
            ) from error

    def content(self, oid: str) -> bytes:
        """An object's bytes."""
        return bytes(self.odb.fs.cat_file(self.odb.oid_to_path(oid)))

    def names_patient(self, oid: str, traces: Traces) -> bool:
        """Whether an object that is here has one of the patient's names in it."""
        return self.has(oid) and any(word in self.content(oid) for word in traces.words)

    def has(self, oid: str) -> bool:
        """Whether an object is here."""
        return bool(self.odb.fs.exists(self.odb.oid_to_path(oid)))

    def place(self, oid: str) -> str:
        """Where it lies."""
        return str(self.odb.oid_to_path(oid))

    def remove(self, oid: str) -> None:
        """Delete an object, if it is here."""
        if self.has(oid):
            self.odb.delete(oid)


def dataset_stores(workspace: Workspace) -> list[ObjectStore]:
    """The cache and every remote; none where the workspace is no DVC repository."""
    if not (workspace.root / ".dvc").is_dir():
        return []
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(workspace.root)) as repository:
            remotes = list(repository.config["remote"])
            stores = [ObjectStore("cache", repository.cache.local)]
            return stores + [ObjectStore(f"remote {name}", repository.cloud.get_remote_odb(name)) for name in remotes]
    except DvcException as error:
        raise DermaiError(f"DVC cannot say what it keeps ({error}): mend .dvc/config, then run this again") from error


def add_data(workspace: Workspace) -> None:
    """`dvc add data`.

    Raises:
        DermaiError: DVC could not.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(workspace.root)) as repository:
            repository.add([str(workspace.data)])
    except DvcException as error:
        raise DermaiError(f"`dvc add data` failed ({error}): put that right, then run this again") from error


def index_folder(workspace: Workspace) -> str:
    """The folder in which DVC keeps names and hashes of files it has seen, outside the workspace; "" without DVC."""
    if not (workspace.root / ".dvc").is_dir():
        return ""
    from dvc.repo import Repo

    with Repo(str(workspace.root)) as repository:
        return str(repository.site_cache_dir)


def places_on_this_machine(workspace: Workspace) -> list[str]:
    """Folders of cache and remotes that are folders here."""
    stores = dataset_stores(workspace)
    return [str(store.odb.path) for store in stores if getattr(store.odb.fs, "protocol", "") in ("local", ("local",))]
