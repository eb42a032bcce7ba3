"""A command that is a fork of the warm process does what the true command does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.integration.conftest import Clone, clone_in

ABOUT_ITSELF = """
import json, os, sys
libraries = [name for name in ("torch", "zenml", "dermai") if name in sys.modules]
import dermai
print(json.dumps({
    "arguments": sys.argv, "folder": os.getcwd(), "said": sys.stdin.read(), "libraries": libraries,
    "environment": dict(os.environ), "dermai": dermai.__file__, "main": sys.modules["__main__"].__name__,
}))
print("an error", file=sys.stderr)
sys.exit(3)
"""


@pytest.fixture
def clone(warm_commands: None, tmp_path: Path) -> Clone:
    """A clone that has the product's first file only."""
    clone = clone_in(tmp_path)
    (clone.root / "dermai").mkdir(parents=True)
    (clone.root / "dermai" / "__init__.py").touch()
    return clone


def asked(clone: Clone, *command: str, warm: bool) -> subprocess.CompletedProcess[str]:
    environment = clone.environment if warm else clone.cold_environment
    return subprocess.run(
        command, cwd=clone.root, env=environment, input="what it reads", capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("way", ["-c", "-m", "file"])
def test_it_has_the_arguments_folder_environment_streams_and_status_of_the_true_one(clone: Clone, way: str) -> None:
    (clone.root / "itself.py").write_text(ABOUT_ITSELF)
    command = {"-c": ("-c", ABOUT_ITSELF), "-m": ("-m", "itself"), "file": ("itself.py",)}[way]
    done = [asked(clone, "python", *command, "one", "--two", warm=warm) for warm in (True, False)]
    warm, cold = (json.loads(one.stdout) for one in done)
    assert [one.returncode for one in done] == [3, 3]
    assert [one.stderr for one in done] == ["an error\n", "an error\n"]
    assert (warm.pop("libraries"), cold.pop("libraries")) == (["torch"], [])
    for found in (warm, cold):
        del found["environment"]["PATH"]
    set_by_libraries = set(warm["environment"]) - set(cold["environment"])
    assert not {name for name in set_by_libraries if name.startswith(("DERMAI_", "MLFLOW_", "ZENML_", "PYTEST_"))}
    warm["environment"] = {name: warm["environment"].get(name) for name in cold["environment"]}
    assert warm == cold
    assert warm["dermai"] == str(clone.root / "dermai" / "__init__.py")


def test_what_one_changes_in_memory_the_next_does_not_see(clone: Clone) -> None:
    assert clone.run("python", "-c", "import torch; torch.changed = True").returncode == 0
    assert clone.run("python", "-c", "import torch; print(hasattr(torch, 'changed'))").stdout == "False\n"


def test_what_was_to_happen_at_its_end_happens(clone: Clone) -> None:
    program = "import atexit, threading, time; atexit.register(print, 'last')\n"
    program += "threading.Thread(target=lambda: (time.sleep(0.1), print('first'))).start()"
    assert clone.run("python", "-c", program).stdout == "first\nlast\n"
    failed = clone.run("python", "-c", "raise SystemExit('it stopped')", check=False)
    assert (failed.returncode, failed.stderr) == (1, "it stopped\n")
    failed = clone.run("python", "-c", "raise ValueError('it failed')", check=False)
    assert failed.returncode == 1
    assert failed.stderr.endswith("ValueError: it failed\n")


def test_it_ends_with_the_signal_that_ended_it(clone: Clone) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM):
        killed = clone.run("python", "-c", f"import os; os.kill(os.getpid(), {number})", check=False)
        assert killed.returncode == -number


def test_it_is_killed_when_who_asked_for_it_is_killed(clone: Clone) -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    asker = subprocess.Popen(
        ["python", "-c", program], cwd=clone.root, env=clone.environment, stdout=subprocess.PIPE, text=True
    )
    assert asker.stdout is not None
    number = int(asker.stdout.readline())
    assert number != asker.pid
    asker.kill()
    asker.communicate()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{number}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_true_command_runs_where_the_libraries_would_have_read_another_environment(clone: Clone) -> None:
    program = "import sys; print('torch' in sys.modules)"
    assert clone.run("python", "-c", program).stdout == "True\n"
    wide = replace(clone, environment={**clone.environment, "LC_TIME": "POSIX"})
    assert wide.run("python", "-c", program).stdout == "False\n"


def test_each_command_stands_for_the_true_one_of_its_name(clone: Clone) -> None:
    first = Path(clone.environment["PATH"].split(os.pathsep)[0])
    names = ("dermai", "dvc", "python", "zenml")
    assert all((first / name).is_file() for name in names)
    real = replace(clone, environment={**clone.environment, "PYTHONPATH": str(REPOSITORY)})
    for name in names:
        warm, cold = (real.run(name, "--version", warm=warm).stdout for warm in (True, False))
        assert warm == cold
