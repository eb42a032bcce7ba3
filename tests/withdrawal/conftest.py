"""The hospital of `tests.withdrawal.hospital`, a copy for each test."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from dermai.config import Params
from dermai.withdrawal.collecting import Asked
from dermai.withdrawal.run import Withdrawal
from dermai.workspace import Workspace
from monitoring.withdrawn import judged_rows
from tests.conftest import REPOSITORY
from tests.withdrawal.hospital import OTHERS, PATIENT, build, use
from web.reading.withdrawn import drafts

ASKED = Asked(PATIENT, "Ana Silva", "data protection officer", "consent withdrawn")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, mlflow_store: Path) -> Path:
    """The folder as it was made."""
    folder = tmp_path_factory.mktemp("hospital")
    params = (REPOSITORY / "params.yaml").read_text(encoding="utf-8")
    params = params.replace("second_reading: 0.02", "second_reading: 0.0 ")
    with pytest.MonkeyPatch.context() as patched:
        build(folder, params, mlflow_store, patched)
    return folder


@pytest.fixture
def hospital(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, Params]:
    """A copy: a workspace may be moved."""
    for name in OTHERS:
        if (built / name).exists():
            shutil.copytree(built / name, tmp_path / name)
    return use(tmp_path, monkeypatch)


@pytest.fixture
def withdrawal(hospital: tuple[Workspace, Params]) -> Withdrawal:
    """Of the patient."""
    workspace, params = hospital
    return Withdrawal(workspace, params, ASKED, (partial(judged_rows, workspace),), (partial(drafts, workspace),))
