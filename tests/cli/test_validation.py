"""`dermai validate` names what it found."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.data.cases import write_cases
from dermai.workspace import Workspace
from tests.training.training_data import make_cases


@pytest.fixture
def dataset(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(workspace.root)
    cases = make_cases(workspace.data, {"train": {"Nev": 5, "BCC": 3}, "test": {"Nev": 2}})
    cases["fold"] = cases["split"].map({"train": "1", "test": ""})
    write_cases(workspace.cases_file, cases.assign(source_label=cases["diagnosis"], site="A", view="macroscopic"))
    return workspace


def test_every_warning_is_named_with_its_rows(dataset: Workspace) -> None:
    result = CliRunner().invoke(application, ["validate"])
    assert result.exit_code == 0, result.output
    said = [line for line in result.output.splitlines() if line.startswith("warning: ")]
    assert any("fewer than 2 patients to train on: MM has 0" in line for line in said)
    assert f"with {len(said)} warnings" in result.output


def test_every_failed_check_is_named_not_only_the_first(dataset: Workspace) -> None:
    text = dataset.cases_file.read_text().replace("macroscopic", "sideways", 1).replace(",train,", ",trein,", 1)
    Path(dataset.cases_file).write_text(text)
    result = CliRunner().invoke(application, ["validate"])
    assert result.exit_code == 1
    for check in ("unknown view", "unknown split"):
        assert any(line.startswith(f"blocking: {check}") for line in result.output.splitlines())
