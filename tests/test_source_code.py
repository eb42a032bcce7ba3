"""A hash of code changes with everything that the module reaches, and with nothing else."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from dermai.source_code import PACKAGES, SOURCE_ROOT, source_files, source_hash
from tests.conftest import REPOSITORY

TRAINING = "dermai.training.finetune"
OUTSIDE_TRAINING = (
    "audit", "backup", "ci", "cli", "doctor", "ingest", "prediction_log", "promotion", "records", "registry", "report",
    "serving", "simulate", "strategies", "triage", "validation",
)  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A source tree of packages with little in them."""
    contents = {
        "dermai/__init__.py": "",
        "dermai/names.yaml": "a: 1",
        "dermai/training/__init__.py": "",
        "dermai/training/loop.py": "def run():\n    try:\n        from dermai.images import pixels as p\n"
        "    finally:\n        with open(p):\n            import monitoring.watch\n",
        "dermai/images/__init__.py": "from .crop import crop",
        "dermai/images/crop.py": "def crop(): ...",
        "dermai/images/pixels.py": "import numpy, benchmarks.speed",
        "dermai/images/tables/sizes.csv": "1,2",
        "dermai/report/__init__.py": "",
        "dermai/report/page.py": "import dermai.training.loop",
        "dermai/report/page.html": "",
        "monitoring/__init__.py": "",
        "monitoring/watch.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import dermai.report.page\n",
        "benchmarks/speed.py": "",
    }
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def copy_of_the_source(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(SOURCE_ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def change(file: Path) -> None:
    """As one who corrects a comment."""
    file.write_text(file.read_text() + "\n# a comment\n")
    source_hash.cache_clear()


def test_a_module_reaches_what_it_imports_anywhere_and_the_data_of_its_packages(small: Path) -> None:
    names = [file.relative_to(small).as_posix() for file in source_files("dermai.training.loop", small)]
    assert names == [
        "dermai/__init__.py",
        "dermai/images/__init__.py",
        "dermai/images/crop.py",
        "dermai/images/pixels.py",
        "dermai/images/tables/sizes.csv",
        "dermai/names.yaml",
        "dermai/training/__init__.py",
        "dermai/training/loop.py",
        "monitoring/__init__.py",
        "monitoring/watch.py",
    ]


def test_the_hash_changes_with_each_file_that_is_reached_and_with_no_other(small: Path) -> None:
    module = "dermai.training.loop"
    hashes = {source_hash(module, small)}
    reached = source_files(module, small)
    for file in reached:
        change(file)
        hashes.add(source_hash(module, small))
    assert len(hashes) == 1 + len(reached)
    for name in ("dermai/report/page.py", "dermai/report/page.html", "benchmarks/speed.py"):
        change(small / name)
    assert source_hash(module, small) in hashes


def test_the_same_code_elsewhere_has_the_same_hash(small: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = shutil.copytree(small, tmp_path_factory.mktemp("elsewhere") / "copy")
    assert source_hash("dermai.report.page", elsewhere) == source_hash("dermai.report.page", small)


def test_a_module_that_is_not_there_is_named(small: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"dermai\.nowhere"):
        source_hash("dermai.nowhere", small)


def test_all_packages_of_the_project_are_followed() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert {f"{name}*" for name in PACKAGES} == set(project["tool"]["setuptools"]["packages"]["find"]["include"])


@pytest.mark.parametrize("module", [TRAINING, "dermai.strategies.cells"])
def test_a_training_reaches_no_code_that_cannot_change_its_weights(module: str) -> None:
    reached = {file.relative_to(SOURCE_ROOT).parts[:2] for file in source_files(module)}
    assert {package for package, *_ in reached} == {"dermai"}
    outside = set(OUTSIDE_TRAINING) - set(module.split("."))
    assert outside & {room for _, room in reached} == set()
    assert {("dermai", "taxonomy.yaml"), ("dermai", "images"), ("dermai", "continual")} <= reached


def test_only_a_change_that_reaches_the_training_changes_its_hash(tmp_path: Path) -> None:
    root = copy_of_the_source(tmp_path)
    before = source_hash(TRAINING, root)
    assert before == source_hash(TRAINING)
    for room in OUTSIDE_TRAINING:
        for file in (root / "dermai" / room).rglob("*.py"):
            change(file)
    change(root / "dermai" / "report" / "templates" / "update.html")
    assert source_hash(TRAINING, root) == before
    for name in ("training/phases.py", "images/augmentation.py", "taxonomy.yaml"):
        change(root / "dermai" / name)
        after = source_hash(TRAINING, root)
        assert after != before
        before = after
