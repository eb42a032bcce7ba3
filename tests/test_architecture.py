"""Not one module: who may import whom, and that the architecture page says so and names files that are there."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in SETTINGS["contracts"]}
ROOMS = "A room of the domain imports only from the lines below its own"


def table(heading: str, columns: str) -> list[list[str]]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = section.partition(f"{columns}\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The packages' code in a folder of their own."""
    folder = tmp_path_factory.mktemp("code")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    for package in SETTINGS["root_packages"]:
        ignored = shutil.ignore_patterns("workspaces*", "results", "__pycache__")
        shutil.copytree(REPOSITORY / package, folder / package, ignore=ignored)
    return folder


def test_the_contracts_are_kept(copy):
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("dermai/gate/exact.py", "import torch", "Gate and statistics are arithmetic"),
        ("dermai/files.py", "import mlflow", "Gate and statistics are arithmetic"),  # the gate reads files with it
        ("dermai/report/pages.py", "def later():\n    import zenml", "The domain knows no orchestrator"),
        ("dermai/triage/run.py", "import monitoring.alerts", "The domain knows no orchestrator"),
        ("monitoring/drift_run.py", "import steps.load_cases", "Pipelines wire, steps adapt"),
        ("dermai/models/package.py", "import dermai.report.pages", ROOMS),
        ("dermai/audit/key.py", "import dermai.audit.log", "No circles"),
    ],
)
def test_a_forbidden_import_is_found_wherever_it_hides(copy, module, line, contract):
    file = copy / module
    before = file.read_text(encoding="utf-8")
    file.write_text(f"{before}\n\n{line}\n", encoding="utf-8")
    try:
        done = lint_imports(copy)
    finally:
        file.write_text(before, encoding="utf-8")
    assert done.returncode == 1
    assert contract in done.stdout.partition("Broken contracts")[2].replace("\n", " ")


def test_a_new_room_needs_a_line(copy):
    room = copy / "dermai/billing"
    room.mkdir()
    (room / "__init__.py").touch()
    try:
        done = lint_imports(copy)
    finally:
        shutil.rmtree(room)
    assert done.returncode == 1
    assert "dermai.billing" in done.stdout


def test_the_page_says_what_the_contracts_say():
    assert re.findall(r"^- \*\*(.+?)\*\*", PAGE, re.MULTILINE) == list(CONTRACTS)
    lines = {}
    for line, room, _ in table("Rooms", "| line | room | holds |"):
        lines.setdefault(int(line), []).append(room.strip("`"))
    layers = [layer.split(" | ") for layer in CONTRACTS[ROOMS]["layers"]]
    assert lines == dict(zip(range(len(layers), 0, -1), layers, strict=True))


def test_every_question_of_a_newcomer_leads_to_files_that_are_there():
    questions = table("Where do I ...", "| I want to | the files |")
    assert len(questions) >= 10
    for question, answer in questions:
        named = [name for name in re.findall(r"`([^` ]+)`", answer) if "/" in name or name.endswith(".yaml")]
        assert named, question
        for name in named:
            assert (REPOSITORY / name).exists(), f"{question}: {name} is not there"
