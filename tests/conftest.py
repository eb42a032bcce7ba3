"""Shared fixtures: every test works in folders of its own, with keys and stores of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from dermai.environment import silence_telemetry
from dermai.workspace import WORKSPACE_VARIABLE, Workspace

silence_telemetry()

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


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
    (root / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(root))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Workspace(root)


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
