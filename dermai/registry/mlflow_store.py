"""MLflow's store: made whole, moved with its workspace, and plain words where it does not answer."""

from __future__ import annotations

import math
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

from dermai.errors import DermaiError, ServiceUnavailable
from dermai.workspace import SQLITE

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from dermai.workspace import Workspace


class InWorkspace(Protocol):
    """Whatever works on the store of a workspace."""

    workspace: Workspace


S = TypeVar("S", bound=InWorkspace)
P = ParamSpec("P")
R = TypeVar("R")
# Where MLflow keeps the full path of an artifact.
PATHS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
# What MLflow calls a failure of its own, of its database or of its artifact store; the rest is the caller's.
UNAVAILABLE = {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "CANCELLED", "ABORTED"}
# A server that is restarted is waited for, for about half a minute; MLflow's own default is some minutes.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


def sqlite_file(uri: str) -> Path | None:
    """The file of a local store; None where the address is a server's."""
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def address(uri: str) -> str:
    """A service's address without the password that it may hold.

    >>> address("postgresql://dermai:secret@db:5432/mlflow")
    'postgresql://db:5432/mlflow'
    """
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else uri


def set_client_retries() -> None:
    """How long MLflow's client waits for a server, unless the environment already says something of it."""
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)


def make_store(file: Path) -> Path:
    """Make MLflow's SQLite store under another name first, so that a kill leaves no half-made one."""
    from mlflow import MlflowClient

    if file.exists():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
        new = Path(folder) / file.name
        MlflowClient(f"{SQLITE}{new}", f"{SQLITE}{new}").search_experiments()
        new.rename(file)
    return file


def check_store(file: Path) -> None:
    """MLflow would try a damaged store again for minutes, and then give up.

    Raises:
        ServiceUnavailable: the file is damaged.
    """
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=60)) as store:
            (found,) = store.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise _damaged(file, error) from None
    if found != "ok":
        raise _damaged(file, found)


def _damaged(file: Path, reason: object) -> ServiceUnavailable:
    said = " ".join(str(reason).split())[:200]
    return ServiceUnavailable(f"the model registry {file} is damaged ({said}): put it back from a backup")


def follow_workspace(file: Path, artifacts: Path) -> int:
    """Point a store that came here with its artifacts at them: MLflow knows only where they were. Returns how many.

    A copy of the store alone, without its packages, goes on reading those of the original.
    """
    here, changed = artifacts.as_uri(), 0
    if not artifacts.is_dir():
        return 0
    with closing(sqlite3.connect(file, timeout=60)) as store, store:
        homes = [location for (location,) in store.execute("SELECT artifact_location FROM experiments")]
        for home in homes:
            if home == here or not home.startswith("file:") or not home.endswith(f"/{artifacts.name}"):
                continue
            locations = [location or "" for (location,) in store.execute("SELECT storage_location FROM model_versions")]
            packages = [location.removeprefix(f"{home}/") for location in locations if location.startswith(f"{home}/")]
            if packages and not any((artifacts / package).exists() for package in packages):
                continue
            for table, column in PATHS:
                command = (
                    f"UPDATE {table} SET {column} = ?1 || substr({column}, ?3) "
                    f"WHERE {column} = ?2 OR substr({column}, 1, ?3) = ?2 || '/'"
                )
                changed += store.execute(command, (here, home, len(home) + 1)).rowcount
    return changed


class VersionRow(NamedTuple):
    """A registered version as a local store holds it."""

    number: int
    run_id: str
    created: int  # milliseconds
    tags: dict[str, str]
    aliases: tuple[str, ...]


def read_versions(file: Path, model: str) -> list[VersionRow] | None:
    """A model's versions, oldest first, straight from a local store: MLflow's import alone takes two seconds.

    None where the store is not as this release knows it: MLflow itself can then be asked.

    Raises:
        ServiceUnavailable: the file is damaged.
    """
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=60)) as store:
            tags: dict[int, dict[str, str]] = {}
            for number, key, value in store.execute(
                "SELECT version, key, value FROM model_version_tags WHERE name = ?", (model,)
            ):
                tags.setdefault(number, {})[key] = value
            aliases: dict[int, list[str]] = {}
            for number, alias in store.execute(
                "SELECT version, alias FROM registered_model_aliases WHERE name = ? ORDER BY alias", (model,)
            ):
                aliases.setdefault(number, []).append(alias)
            known = store.execute(
                "SELECT version, run_id, creation_time FROM model_versions "
                "WHERE name = ? AND current_stage != 'Deleted_Internal' ORDER BY version",
                (model,),
            ).fetchall()
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError as error:
        raise _damaged(file, error) from None
    return [
        VersionRow(number, run_id, created, tags.get(number, {}), tuple(aliases.get(number, ())))
        for number, run_id, created in known
    ]


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Turn what MLflow says of a server that does not answer into one line that says what to start.

    Raises:
        ServiceUnavailable: MLflow, its database or its artifact store does not answer.
        DermaiError: the registry lacks what was asked for.
    """
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError) as error:
        if isinstance(error, MlflowException) and error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise DermaiError(
                f"the model registry {address(uri)} lacks what it should hold ({error}): put it back from a backup"
            ) from error
        if isinstance(error, MlflowException) and error.error_code not in UNAVAILABLE:
            raise
        local = sqlite_file(uri) is not None
        reason = " ".join(str(error).replace(uri, address(uri)).split())[:300]
        fix = "free the disk or fix its permissions" if local else "start it, its database and its artifact store"
        raise ServiceUnavailable(
            f"the model registry {address(uri)} does not answer; {fix}, then run the same command again, "
            f"nothing is lost: {reason}"
        ) from error


def with_clear_errors(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A method whose failures of MLflow are one line: see `answering`."""

    @wraps(method)
    def wrapped(self: S, *arguments: P.args, **named: P.kwargs) -> R:
        with answering(self.workspace.tracking_uri):
            return method(self, *arguments, **named)

    return wrapped


def log_values(client: MlflowClient, run_id: str, metrics: Mapping[str, float], params: Mapping[str, Any]) -> None:
    """Note a run's values; a metric that is not a finite number is left out."""
    from mlflow.entities import Metric, Param

    now = int(datetime.now(UTC).timestamp() * 1000)
    points = [Metric(key, float(value), now, 0) for key, value in metrics.items() if math.isfinite(value)]
    texts = [Param(key, str(value)[:500]) for key, value in _flat(params)]
    for start in range(0, max(len(points), len(texts)), 100):  # MLflow takes at most 100 parameters a call
        client.log_batch(run_id, metrics=points[start : start + 100], params=texts[start : start + 100])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def experiment_id(client: MlflowClient, name: str, artifacts: str | None) -> str:
    """The experiment of this name, made or restored; `artifacts` is where a new one keeps files."""
    from mlflow.entities import ViewType

    for experiment in client.search_experiments(ViewType.ALL, filter_string=f"name = '{name}'"):
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
        return str(experiment.experiment_id)
    return str(client.create_experiment(name, artifact_location=artifacts))
