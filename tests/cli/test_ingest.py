from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.errors import InvalidCases
from dermai.ingest.selection import parse_share, read_patients
from dermai.workspace import Workspace
from tests.ingest.deliveries import deliver, row


def run(*arguments: str) -> str:
    result = CliRunner().invoke(application, [*arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_ingest_shows_the_table_the_reasons_and_the_next_step(workspace: Workspace, tmp_path: Path) -> None:
    folder = deliver(tmp_path / "d", [row(1), row(2), row(3, age="400")])
    said = run("ingest", str(folder), "--batch", "spring")
    assert "quarantined: 3.jpg: age 400 is not in 0 to 120" in said
    assert "quarantine/spring/reasons.csv" in said
    assert "dvc add data" in said
    assert "nothing new: the dataset is as it was" in run("ingest", str(folder), "--batch", "spring")


def test_the_summary_comes_as_json(workspace: Workspace, tmp_path: Path) -> None:
    folder = deliver(tmp_path / "d", [row(1), row(2)])
    said = json.loads(run("ingest", str(folder), "--dry-run", "--json"))
    assert said["new"] == {"BCC": 1, "MM": 1}
    assert said["dry_run"]


def test_track_adds_the_data_to_dvc(workspace: Workspace, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(workspace.root)], check=True)
    (workspace.root / ".dvc").mkdir()
    run("ingest", str(deliver(tmp_path / "d", [row(1)])), "--track")
    assert (workspace.root / "data.dvc").is_file()


def test_a_wrong_share_is_a_usage_error(workspace: Workspace, tmp_path: Path) -> None:
    folder = deliver(tmp_path / "d", [row(1)])
    assert CliRunner().invoke(application, ["ingest", str(folder), "--share", "60%"]).exit_code == 2


@pytest.mark.parametrize("text", ["", "0.5", "0.6:0.2", "0:1.2", "a:b", "nan:1"])
def test_shares_outside_zero_to_one_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"share|convert"):
        parse_share(text)


def test_patients_are_listed_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "patients.txt").write_text("PAT_1\n\n PAT_2 \n")
    assert read_patients(tmp_path / "patients.txt") == {"PAT_1", "PAT_2"}
    (tmp_path / "empty.txt").write_text("\n")
    for name in ("empty.txt", "absent.txt"):
        with pytest.raises(InvalidCases):
            read_patients(tmp_path / name)
