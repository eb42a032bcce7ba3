"""Shared fixtures: every test works in folders of its own, with keys and stores of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from dermai.audit import AuditLog
from dermai.config import PROFILE_VARIABLE, Params, load_params
from dermai.environment import silence_telemetry
from dermai.registry.registry import Registry
from dermai.workspace import WORKSPACE_VARIABLE, Workspace

if TYPE_CHECKING:
    from tests.promotion.fleet import Fleet

silence_telemetry()

# A busy machine is no failure: Hypothesis would limit each example to 200 ms. The same examples each time, so that a
# change is judged by what it changed; the weekly run draws new ones.
settings.register_profile("same examples", deadline=None, derandomize=True)
settings.register_profile("new examples", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same examples"))

# Importing a step opens ZenML's store: one of this process's own, since two that make the same store at once fail.
ZENML_FOLDER = tempfile.TemporaryDirectory(prefix="dermai-zenml-")
os.environ["ZENML_CONFIG_PATH"] = ZENML_FOLDER.name

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


# The first two begin with different fixtures, so that neither of two processes waits for what the other makes.
LONGEST = (
    "test_backup", "test_loop_starts", "test_incremental_finetune", "test_services", "test_retrain_workflow",
    "test_triage_and_drift",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that processes that share the work end at about the same time."""

    def place(item: pytest.Item) -> int:
        if "integration" not in item.path.parts:
            return len(LONGEST) + 1
        return LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def private_keys(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the keys of the person who runs it."""
    folder = tmp_path_factory.mktemp("keys")
    monkeypatch.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(folder / "pseudonym.key"))
    monkeypatch.setenv("DERMAI_AUDIT_KEY_FILE", str(folder / "audit.key"))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace with the repository's params.yaml, found by every command of the test."""
    root = tmp_path / "workspace"
    root.mkdir()
    # No case is drawn for a second reading by chance: the key is another one in each test
    params = (REPOSITORY / "params.yaml").read_text(encoding="utf-8")
    (root / "params.yaml").write_text(params.replace("second_reading: 0.02", "second_reading: 0.0 "), encoding="utf-8")
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(root))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv(PROFILE_VARIABLE, raising=False)
    return Workspace(root)


@pytest.fixture
def stored_log(tmp_path: Path) -> AuditLog:
    """A copy of a log that an earlier release wrote; the key that signed it is gone."""
    return AuditLog(Path(shutil.copytree(REPOSITORY / "tests/records/stored", tmp_path / "stored")) / "audit.jsonl")


@pytest.fixture(scope="session")
def mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow store: making one takes seconds, copying it none."""
    from dermai.registry.mlflow_store import make_store

    return make_store(tmp_path_factory.mktemp("mlflow") / "mlflow.db")


@pytest.fixture
def registry(workspace: Workspace, mlflow_store: Path) -> Registry:
    """The workspace's registry, empty."""
    shutil.copy(mlflow_store, workspace.root)
    return Registry(workspace, load_params(workspace.params_file))


@pytest.fixture(scope="session")
def four_versions(mlflow_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds four versions: registering them anew for each test would take most of its time."""
    from tests.promotion.fleet import register_four

    root = tmp_path_factory.mktemp("four")
    store = Path(shutil.copy(mlflow_store, root))
    register_four(Registry(Workspace(root), Params()), root / "packages")
    return store


@pytest.fixture
def fleet(workspace: Workspace, four_versions: Path) -> Fleet:
    """Four registered versions, none of them promoted."""
    from tests.promotion.fleet import Fleet

    shutil.copy(four_versions, workspace.root)
    return Fleet(Registry(workspace, load_params(workspace.params_file)))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model package with random weights."""
    from tests.packages import make_package

    return make_package().save(tmp_path_factory.mktemp("package") / "package")


@pytest.fixture(scope="session")
def pad_ufes_20() -> Path:
    """The real PAD-UFES-20 photographs, where they are."""
    folder = SHARED_DATA / "pad_ufes_20"
    if not folder.is_dir():
        pytest.skip("the real photographs are not beside the repository")
    return folder


@pytest.fixture(scope="session")
def ham10000() -> Path:
    """The real HAM10000 photographs, where they are."""
    folder = SHARED_DATA / "ham10000"
    if not folder.is_dir():
        pytest.skip("the real photographs are not beside the repository")
    return folder
