"""The working folder: where things lie, which version of the data and the code it holds."""

from __future__ import annotations

import hashlib
import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from dermai.errors import DatasetMismatch, DermaiError, UntrustedClone
from dermai.files import write_text

WORKSPACE_VARIABLE = "DERMAI_WORKSPACE"
STATE_VARIABLE = "DERMAI_STATE"
DATABASE_VARIABLE = "DERMAI_DATABASE_URL"  # of the service, where it is not an SQLite file below the state
SQLITE = "sqlite:///"
AUDIT_LOG = Path("audit") / "updates.jsonl"  # below the state
NOT_CODE = (":(exclude)data.dvc", ":(exclude)dvc.lock", ":(exclude)metrics")


@dataclass(frozen=True)
class Workspace:
    """Paths below the folder that holds params.yaml."""

    root: Path

    @property
    def params_file(self) -> Path:
        return self.root / "params.yaml"

    @property
    def data(self) -> Path:
        """The DVC-tracked dataset: cases.csv and images/."""
        return self.root / "data"

    @property
    def cases_file(self) -> Path:
        return self.data / "cases.csv"

    @property
    def quarantine(self) -> Path:
        """Rejected photographs and the reason for each, one folder an intake."""
        return self.root / "quarantine"

    @property
    def reports(self) -> Path:
        return self.store / "reports"

    @property
    def state(self) -> Path:
        """Everything that must outlive a run: audit log, prediction log, caches.

        `DERMAI_STATE` puts it elsewhere, so that several checkouts on one machine share it.
        """
        named = os.environ.get(STATE_VARIABLE)
        return Path(named).expanduser().resolve() if named else self.root / "state"

    @property
    def store(self) -> Path:
        """Where reports, a local MLflow store and its artifacts lie: in `DERMAI_STATE`, else in the workspace."""
        return self.state if os.environ.get(STATE_VARIABLE) else self.root

    @property
    def audit_log(self) -> Path:
        return self.state / AUDIT_LOG

    @property
    def ledger(self) -> Path:
        """Of the test patients, as earlier releases kept it: the audit log takes it over."""
        return self.state / "audit" / "test_set_ledger.jsonl"

    @property
    def prediction_log(self) -> Path:
        return self.state / "predictions"

    @property
    def service_database(self) -> Path:
        """What people keep in the service, where no database server does: accounts, sessions, drafts."""
        return self.state / "web" / "service.db"

    @property
    def cache(self) -> Path:
        """Decoded pixels, activations and training checkpoints; safe to delete."""
        return self.state / "cache"

    @property
    def tracking_uri(self) -> str:
        """MLflow's store: `MLFLOW_TRACKING_URI`, or one SQLite file in the workspace.

        A relative address is one in the workspace, from whichever folder a command is run.
        """
        named = os.environ.get("MLFLOW_TRACKING_URI")
        if not named:
            return f"{SQLITE}{self.store / 'mlflow.db'}"
        if named.startswith(SQLITE):
            return f"{SQLITE}{self.root / named.removeprefix(SQLITE)}"
        return named if ":" in named or named == "databricks" else str(self.root / named)


def find_workspace(start: Path | None = None) -> Workspace:
    """The workspace of `DERMAI_WORKSPACE`, or the nearest folder upwards that holds params.yaml.

    Raises:
        DermaiError: there is none.
    """
    named = os.environ.get(WORKSPACE_VARIABLE)
    if named:
        root = Path(named).resolve()
        if not (root / "params.yaml").is_file():
            raise DermaiError(f"{WORKSPACE_VARIABLE} is {named}, which holds no params.yaml")
        return Workspace(root)
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "params.yaml").is_file():
            return Workspace(folder)
    raise DermaiError(f"no params.yaml in {start} or above: run this inside a dermai repository")


class CodeVersion(BaseModel):
    """The git commit of the workspace, and whether tracked files differ from it."""

    model_config = ConfigDict(frozen=True)

    commit: str
    dirty: bool


def code_version(workspace: Workspace) -> CodeVersion:
    """What git says of the workspace; `unversioned` and dirty where there is no commit.

    data.dvc, dvc.lock and metrics/ do not count: the dataset has a version of its own, and the others are results.

    Raises:
        UntrustedClone: git refuses to look, since the clone belongs to another user.
    """
    commit = _git(workspace, "rev-parse", "HEAD")
    if commit is None:
        return CodeVersion(commit="unversioned", dirty=True)
    return CodeVersion(
        commit=commit,
        dirty=bool(_git(workspace, "status", "--porcelain", "--untracked-files=no", "--", ".", *NOT_CODE)),
    )


def is_ancestor(workspace: Workspace, earlier: str, later: str) -> bool:
    """Whether git knows both commits and the later one was built on the earlier."""
    return _git(workspace, "merge-base", "--is-ancestor", earlier, later) is not None


def _git(workspace: Workspace, *arguments: str) -> str | None:
    command = ["git", "-C", str(workspace.root), *arguments]
    environment = {**os.environ, "LC_ALL": "C"}  # what git says is looked at
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment)
    except FileNotFoundError:  # git is not installed
        return None
    if "dubious ownership" in result.stderr:
        raise UntrustedClone(
            f"git does not trust {workspace.root}, which belongs to another user, so the code has no version: "
            f"run `git config --global --add safe.directory {workspace.root}`, or change its owner"
        )
    return result.stdout.strip() if result.returncode == 0 else None


class DatasetVersion(BaseModel):
    """The dataset's DVC hash, and why a model trained on the workspace as it is may not be promoted."""

    model_config = ConfigDict(frozen=True)

    hash: str
    dirty_reason: str = ""

    @property
    def dirty(self) -> bool:
        return bool(self.dirty_reason)


def recorded_dataset_hash(workspace: Workspace) -> str | None:
    """The hash that data.dvc pins; None where data is not versioned."""
    file = workspace.root / "data.dvc"
    if not file.is_file():
        return None
    try:
        return str(yaml.safe_load(file.read_text(encoding="utf-8"))["outs"][0]["md5"])
    except (yaml.YAMLError, KeyError, IndexError, TypeError):
        raise DatasetMismatch("data.dvc cannot be read: restore it from git (`git checkout data.dvc`)") from None


def dataset_version(workspace: Workspace) -> DatasetVersion:
    """Compare the data folder with data.dvc, by DVC itself, and say which version it is.

    A folder that DVC found to be this version is not compared again before a file in it is added, removed or written.

    Raises:
        DatasetMismatch: there is no data folder, or DVC cannot read its cache.
    """
    recorded = recorded_dataset_hash(workspace)
    if not workspace.data.is_dir():
        raise DatasetMismatch("there is no data folder: run `dvc pull`, or import a dataset (`dermai import --help`)")
    if recorded is None:
        return DatasetVersion(
            hash="unversioned", dirty_reason="data is not versioned: run `dvc add data` and commit data.dvc"
        )
    known, state = workspace.cache / "dataset_as_recorded", _data_state(workspace, recorded)
    if known.is_file() and known.read_text(encoding="utf-8") == state:
        return DatasetVersion(hash=recorded)
    changed = _differs(workspace)
    if changed:
        return DatasetVersion(
            hash=recorded, dirty_reason="data differs from data.dvc: run `dvc add data` and commit data.dvc"
        )
    with suppress(OSError):  # a workspace that may only be read
        write_text(known, state)
    return DatasetVersion(hash=recorded)


def _data_state(workspace: Workspace, recorded: str) -> str:
    """A hash that is another one once data.dvc names another version or a file of the data folder was written."""
    lines = [recorded]
    for folder, _, names in os.walk(workspace.data, followlinks=True):
        for path in (Path(folder, name) for name in names):
            try:
                found = path.stat()
            except OSError:  # a link whose file is gone: DVC says what that means
                lines.append(f"{path} is gone")
                continue
            lines.append(f"{path} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}")
    return hashlib.sha256("\n".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest()


def _differs(workspace: Workspace) -> bool:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(workspace.root)) as repository:
            changed = repository.status(targets=[str(workspace.root / "data.dvc")])  # else from the current folder
    except DvcException as error:
        raise DatasetMismatch(f"DVC cannot check the data folder: {error}") from error
    return bool(changed)
