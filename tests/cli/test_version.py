"""Not one module: the version is one number, wherever it is said."""

import subprocess
import sys
import tomllib

import yaml

from dermai import __version__
from tests.conftest import REPOSITORY


def test_the_command_prints_it() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from dermai.cli import app; app()", "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout == f"dermai {__version__}\n"


def test_project_changelog_and_citation_name_the_same() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert project["version"] == citation["version"] == __version__
    assert f"## [{__version__}] - {citation['date-released']}\n" in (REPOSITORY / "CHANGELOG.md").read_text()


def test_one_licence_is_named_everywhere() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert project["license"] == citation["license"] == "Apache-2.0"
    text = (REPOSITORY / "LICENSE").read_text()
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in text
