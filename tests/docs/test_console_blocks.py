"""Not one module: each console block of the guides is run in a clone, or named here with the reason it is not.

A block that is in no list fails. Those that train are `long`: `make test-long`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dermai.environment import TELEMETRY_OFF
from tests.conftest import REPOSITORY
from tests.docs.console import Block, blocks_of

PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted(page for page in (REPOSITORY / "docs").rglob("*.md") if not {"_build", "generated"} & set(page.parts)),
]
BLOCKS = [block for page in PAGES for block in blocks_of(page, REPOSITORY)]
ACTIVATE = "source .venv/bin/activate"  # the environment that runs the tests takes the place of a new one
TUTORIAL = "docs/tutorial.md"
# A block is named by its page and how its first command begins.
RUN = {  # what has to be done in the clone before
    "docs/gate.md: dermai gate plan": (),
    "docs/operations.md: dermai account add": (),
    "docs/operations.md: dermai retention": (),
    "docs/gate.md: dermai gate approve-policy": ("sed -i 's/^  approval: auto/  approval: manual/' params.yaml",),
}
RUN_LONG = ("CONTRIBUTING.md: git clone",)
NOT_RUN = {
    "README.md: make demo": "`make test` would run itself; the tutorial runs the demo's commands",
    "docs/distributed_training.md: export DERMAI_TORCHRUN": "two machines; tests/training/test_distributed.py has one",
    "docs/distributed_training.md: torchrun": "two machines; tests/training/test_distributed.py has one",
    "docs/documents.md: dermai audit export": "a version with records; tests/documents/test_signed_export.py has one",
    "docs/experiments.md: dermai cross-validate": "five trainings; tests/cross_validation/test_run.py has small ones",
    "docs/experiments.md: zenml pipeline run": "hours; tests/integration/test_compare_strategies.py has a small grid",
    "docs/experiments.md: python -m benchmarks.": "hours, on photographs of publishers",
    "docs/fhir.md: curl": "a running service; tests/web/fhir/test_guide.py asks one",
    "docs/fhir.md: dermai token add": "a database of the service; tests/web/api/test_tokens.py has one",
    "docs/fhir.md: dermai report-dicom": "a case of a service; tests/exchange/test_dicom_export.py has one",
    "docs/gate.md: dermai promote --provisional": "a model that waits; tests/integration/test_loop_starts.py has one",
    "docs/http_interface.md: dermai token add": "a database of the service; tests/web/api/test_tokens.py has one",
    "docs/http_interface.md: curl": "a running service; tests/web/api/test_guide.py asks one",
    "docs/monitoring.md: dermai confirm": "a table of a service; the tutorial confirms simulated diagnoses",
    "docs/monitoring.md: dermai replay": "a version and referrals; tests/triage/test_referral_replay_page.py has some",
    "docs/monitoring.md: zenml pipeline run": "a list of commands that need a champion; the tutorial has one",
    "docs/operations.md: dermai withdraw": "a patient to be erased; tests/withdrawal has one in everything",
    "docs/operations.md: dermai acknowledge": "an incident of a service; tests/triage/test_missed_cancer.py has one",
    "docs/operations.md: cp deploy/systemd": "systemd, as root; tests/test_deploy.py reads the units",
    "docs/operations.md: dermai doctor": "shows a broken deployment; tests/doctor breaks one in each way",
    "docs/operations.md: cp deploy/env.example": "Docker and filled-in passwords; tests/test_deploy.py reads the files",
    "docs/gate.md: dermai gate take-over-ledger": "a ledger of an earlier release; tests/promotion takes one over",
    "docs/operations.md: kubectl": "a cluster; tests/test_deploy.py reads the files",
    "docs/operations.md: zenml stack set": "a cluster; tests/test_deploy.py reads the files",
    "docs/operations.md: mlflow db upgrade": "databases of an earlier version",
    "docs/operations.md: git clone": "a safe with keys, and a backup; tests/integration/test_backup.py restores one",
    "docs/profiles.md: zenml pipeline run": "hours without a GPU; the tutorial has a profile",
    "docs/results.md: bash benchmarks/": "hours, on photographs of publishers",
    "docs/results.md: python -m benchmarks.": "half an hour, on photographs of publishers",
}


def blocks(start: str) -> list[Block]:
    """The blocks whose name begins like this."""
    return [block for block in BLOCKS if block.name.startswith(start)]


def run(commands: tuple[str, ...], folder: Path) -> None:
    """In one shell, which stops at the first command that fails; the code is the clone's."""
    environment = {
        **os.environ, **TELEMETRY_OFF,
        "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder / "home"), "ZENML_CONFIG_PATH": str(folder / "zenml"),
        "DERMAI_REPOSITORY": str(REPOSITORY),
        "GIT_AUTHOR_NAME": "A test", "GIT_AUTHOR_EMAIL": "test@localhost",
        "GIT_COMMITTER_NAME": "A test", "GIT_COMMITTER_EMAIL": "test@localhost",
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    lines = ["set -euo pipefail"]
    for command in commands:
        if command == ACTIVATE:  # an editable install would find the code that is tested, not the clone's
            command = 'export PYTHONPATH="$PWD" DERMAI_WORKSPACE="$PWD"'
        lines.append(re.sub("^make ", f"make VENV={sys.prefix} --old-file={sys.prefix}/.ready ", command))
    ended = subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"


def test_each_block_is_run_or_is_named_with_the_reason_why_not() -> None:
    named = [block for start in (*RUN, *RUN_LONG, *NOT_RUN, f"{TUTORIAL}: ") for block in blocks(start)]
    for block in BLOCKS:
        assert named.count(block) == 1, f"{block.name}: name it in RUN, RUN_LONG or NOT_RUN"
    for start in (*RUN, *RUN_LONG, *NOT_RUN):
        assert blocks(start), f"no page has this block any more: {start}"


@pytest.mark.parametrize("name", RUN)
def test_it_runs_in_a_clone(name: str, tmp_path: Path) -> None:
    enter = ('git clone --quiet "$DERMAI_REPOSITORY" dermai', "cd dermai", ACTIVATE)
    (block,) = blocks(name)
    run((*enter, *RUN[name], *block.commands), tmp_path)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", RUN_LONG)
def test_it_runs(name: str, tmp_path: Path) -> None:
    (block,) = blocks(name)
    run(block.commands, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_tutorial_runs_from_beginning_to_end(tmp_path: Path) -> None:
    run(tuple(command for block in blocks(TUTORIAL) for command in block.commands), tmp_path)
    clone = tmp_path / "dermai"
    assert (clone / "reports" / "triage_cases" / "latest" / "worklist.html").is_file()
    assert len(list((clone / "reports" / "incremental_finetune").glob("*/decision.json"))) >= 2


def test_a_block_is_read_without_output_and_comments(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    fence = "```"
    page.write_text(
        f"{fence}console\n$ one  # why\nits output\n$ two \\\n    --more\n{fence}\n\n"
        f"  {fence}console\n  $ three\n  {fence}\n"
    )
    assert blocks_of(page, tmp_path) == [Block("page.md", ("one", "two --more")), Block("page.md", ("three",))]
