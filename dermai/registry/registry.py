"""Model versions in MLflow: registered whole or not at all, found by alias, verified by hash when fetched."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermai.config import Params
from dermai.environment import silence_telemetry
from dermai.errors import UnknownVersion
from dermai.files import locked, sha256_file
from dermai.models.package import CHECKSUMS, ModelPackage
from dermai.registry.mlflow_store import (
    check_store,
    experiment_id,
    follow_workspace,
    log_values,
    make_store,
    read_versions,
    set_client_retries,
    sqlite_file,
    with_clear_errors,
)
from dermai.registry.stored_packages import (
    fetch_package,
    keep_package,
    kept_package,
    log_package,
    served_files_sha256,
)
from dermai.registry.versions import (
    COMPLETE,
    ORIGIN,
    SHA256,
    ModelVersion,
    aliases_in_mlflow,
    is_whole,
    under_aliases,
    versions_in_mlflow,
)
from dermai.workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOGGED_MODEL = "models:/"  # how MLflow names a model that it keeps, before its id
log = logging.getLogger(__name__)


class Registry:
    """The registered model that `registry.model_name` names, in the workspace's MLflow store.

    MLflow keeps parts of its state in the process: using a registry sets the process's tracking address.
    """

    def __init__(self, workspace: Workspace, params: Params) -> None:
        self.workspace = workspace
        self.name = params.registry.model_name
        self.experiment = params.registry.experiment
        self.cleaning = params.data.model_dump(include={"shorter_side", "jpeg_quality"})

    @staticmethod
    def exists(workspace: Workspace) -> bool:
        """Whether there is a store to ask: a local one is made on first use."""
        file = sqlite_file(workspace.tracking_uri)
        return file is None or file.exists()

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client; on first use it makes the store."""
        silence_telemetry()
        set_client_retries()
        import mlflow

        uri = self.workspace.tracking_uri
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        file = sqlite_file(uri)
        if file:
            with self._locked():
                check_store(make_store(file))
                follow_workspace(file, self._artifacts)
        named = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        # MLflow puts the address into the environment, where it would decide for the process's next workspace.
        if named is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        return mlflow.MlflowClient(uri, uri)

    @with_clear_errors
    def register(
        self,
        package_folder: Path,
        tags: Mapping[str, str],
        run_name: str,
        metrics: Mapping[str, float],
        params: Mapping[str, Any],
    ) -> ModelVersion:
        """Store a package as a new version; a package that is registered already gets the new tags instead.

        The version counts only once its last tag is set: killed at any point before, it is ignored, and the
        next registration removes it. No alias moves here.

        Raises:
            PackageTampered: the folder is not the package that its checksums describe.
            EngineDiffers: its engine does not answer what its weights say.
        """
        import mlflow

        from dermai.models.engine_check import check_engine

        check_engine(ModelPackage.load(package_folder))
        sha256 = sha256_file(package_folder / CHECKSUMS)
        client = self.client
        with self._locked():
            self._remove_interrupted()
            known = next((version for version in self.versions() if version.sha256 == sha256), None)
            if known is None:
                pending = {ORIGIN: self._origin(), SHA256: sha256, **tags}
                os.environ.pop("MLFLOW_RUN_ID", None)  # a run of its own, whatever this was started within
                with mlflow.start_run(experiment_id=self._experiment_id(), run_name=run_name, tags=pending) as run:
                    log_values(client, run.info.run_id, metrics, params)
                    model = log_package(self.name, package_folder, self.cleaning)
                    self._make_model()
                    made = client.create_model_version(
                        self.name, model.model_uri, run.info.run_id, tags=pending, model_id=model.model_id
                    )
                number = str(made.version)
                fetch_package(self.name, number, sha256)
            else:
                number = known.version
                for key, value in tags.items():
                    client.set_model_version_tag(self.name, number, key, value)
            client.set_model_version_tag(self.name, number, COMPLETE, "true")
            return self.get(number)

    def versions(self) -> list[ModelVersion]:
        """All whole versions, oldest first."""
        file = sqlite_file(self.workspace.tracking_uri)
        rows = read_versions(file, self.name) if file and file.exists() else None
        if rows is None:
            return self.versions_by_mlflow()
        known = [
            ModelVersion(self.name, str(number), run_id, aliases, tags, datetime.fromtimestamp(created / 1000, UTC))
            for number, run_id, created, tags, aliases in rows
        ]
        return [version for version in known if version.tags.get(COMPLETE) == "true"]

    @with_clear_errors
    def versions_by_mlflow(self) -> list[ModelVersion]:
        """The same, as MLflow itself answers."""
        return versions_in_mlflow(self.client, self.name)

    def get(self, version: str) -> ModelVersion:
        """One version by number.

        Raises:
            UnknownVersion: there is none, or its registration was interrupted.
        """
        found = next((known for known in self.versions() if known.version == version), None)
        if found is None:
            known = ", ".join(known.version for known in self.versions()) or "none"
            raise UnknownVersion(f"{self.name} has no version {version}; registered: {known}")
        return found

    def by_alias(self, alias: str) -> ModelVersion | None:
        """The version under an alias such as `champion`; None where there is none."""
        return under_aliases(self.versions()).get(alias)

    @with_clear_errors
    def set_alias(self, alias: str, version: str) -> None:
        """Point an alias at a version; `champion` is moved by `dermai.promotion.transaction` only, which records it."""
        self.client.set_registered_model_alias(self.name, alias, self.get(version).version)

    @with_clear_errors
    def delete_alias(self, alias: str) -> None:
        """Remove an alias; nothing happens where there is none."""
        if alias in aliases_in_mlflow(self.client, self.name):
            self.client.delete_registered_model_alias(self.name, alias)

    @with_clear_errors
    def set_tag(self, version: str, key: str, value: str) -> None:
        """Note something on a version."""
        self.client.set_model_version_tag(self.name, version, key, value)

    @with_clear_errors
    def download(self, version: str) -> Path:
        """The folder of a version's package, its files checked against the hash it was registered with.

        Raises:
            UnknownVersion: there is no such version.
            PackageTampered: a file is not what was registered, or is gone.
        """
        expected = self.get(version).sha256
        kept = self.workspace.cache / "packages" / expected
        if found := kept_package(kept, self.name, version):
            return found
        _ = self.client  # MLflow fetches from the address that its client sets
        folder = fetch_package(self.name, version, expected)
        return folder if self.workspace.store in folder.parents else keep_package(folder, kept)

    @with_clear_errors
    def served_sha256(self, version: str) -> str:
        """Hash of the files that `mlflow models serve` runs, stored beside the version's package.

        Raises:
            UnknownVersion: there is no such version.
        """
        self.get(version)
        _ = self.client  # MLflow fetches from the address that its client sets
        return served_files_sha256(self.name, version)

    @with_clear_errors
    def remove(self, version: ModelVersion) -> None:
        """Delete a version for good, its files first, so that a kill in between leaves it to be deleted again."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        found = self.client.get_model_version(self.name, version.version)
        stored = found.model_id or found.source.removeprefix(LOGGED_MODEL)
        location = self.client.get_model_version_download_uri(self.name, version.version)
        if stored.startswith("m-"):
            location = self.client.get_logged_model(stored).artifact_location
        if self._is_ours(location):
            get_artifact_repository(location).delete_artifacts()
        shutil.rmtree(self.workspace.cache / "packages" / version.sha256, ignore_errors=True)
        self.client.delete_model_version(self.name, version.version)
        if stored.startswith("m-"):
            self.client.delete_logged_model(stored)

    def _is_ours(self, location: str) -> bool:
        """Whether files may be deleted: a copy of a local store alone goes on reading the packages of the original."""
        return sqlite_file(self.workspace.tracking_uri) is None or location.startswith(self._artifacts.as_uri())

    @property
    def _artifacts(self) -> Path:
        """Where a local store keeps the packages."""
        return self.workspace.store / "mlartifacts"

    @property
    def _lock_file(self) -> Path:
        return self.workspace.state / "registry.lock"

    def _origin(self) -> str:
        """Which workspace registers; called under the lock.

        Another workspace's registration under way on a shared server is not ours to remove. Machines and pods that
        share the folder are one workspace, whatever they are called; one that was copied file by file is another.
        """
        if not self._lock_file.read_text(encoding="utf-8"):
            self._lock_file.write_text(secrets.token_hex(16), encoding="utf-8")
        return f"{self._lock_file.read_text(encoding='utf-8')}:{self._lock_file.stat().st_ino}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with locked(self._lock_file):
            yield

    def _experiment_id(self) -> str:
        folder = self._artifacts.as_uri() if sqlite_file(self.workspace.tracking_uri) else None
        return experiment_id(self.client, self.experiment, folder)

    def _make_model(self) -> None:
        if not self.client.search_registered_models(f"name = '{self.name}'"):
            self.client.create_registered_model(self.name, description="Skin-lesion classifier, updated by dermai")

    def _remove_interrupted(self) -> None:
        """Undo what registrations of this workspace that were killed have left; called under the lock."""
        origin = self._origin()
        for entity in self.client.search_model_versions(f"name = '{self.name}'"):
            if not is_whole(entity) and entity.tags.get(ORIGIN) == origin:
                log.warning("removing version %s of %s: its registration was interrupted", entity.version, self.name)
                self.client.delete_model_version(self.name, entity.version)
        ours = f"tags.{ORIGIN} = '{origin}' and attributes.status = 'RUNNING'"
        for run in self.client.search_runs([self._experiment_id()], ours):
            self.client.set_terminated(run.info.run_id, "KILLED")
