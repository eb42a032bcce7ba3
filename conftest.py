"""What is collected, and what `--quick` leaves out: it is seen by the tests and by the examples in docstrings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from dermai.environment import silence_telemetry

silence_telemetry()

PRODUCT = ("dermai", "monitoring", "web")
# Each takes seconds to import, or works with what does.
HEAVY = {
    "accelerate", "evidently", "great_expectations", "matplotlib", "mlflow", "moto", "selenium", "sklearn", "timm",
    "torch", "zenml",
}  # fmt: skip
QUICK_PROGRAMS = {"git", "uname"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--quick`: what needs neither torch nor MLflow, ZenML, a server or a browser."""
    parser.addoption("--quick", action="store_true", help=pytest_addoption.__doc__)


def pytest_configure(config: pytest.Config) -> None:
    """With `--quick`, what turns out to need a heavy library or another program is skipped at that moment."""
    shares_the_work_out = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if config.getoption("--quick") and not shares_the_work_out:
        sys.addaudithook(_skip_what_is_heavy)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A module of the product is imported for its examples only where it has some."""
    if collection_path.suffix != ".py" or collection_path.name == "conftest.py":
        return None
    room = collection_path.relative_to(config.rootpath).parts[0]
    if room in PRODUCT or "stored" in collection_path.parts:
        return ">>> " not in collection_path.read_text(encoding="utf-8") or None
    return None


def _skip_what_is_heavy(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "import" and arguments[0].partition(".")[0] in HEAVY:
        pytest.skip(f"not quick: imports {arguments[0]}", allow_module_level=True)
    if event == "subprocess.Popen" and Path(arguments[0]).name not in QUICK_PROGRAMS:
        pytest.skip(f"not quick: starts {Path(arguments[0]).name}", allow_module_level=True)
