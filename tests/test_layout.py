"""Not one module: a test module carries the name of what it tests, or says why not."""

import ast
import tomllib

import pytest

from tests.conftest import REPOSITORY

TESTS = REPOSITORY / "tests"
MODULES = sorted(
    file.relative_to(TESTS)
    for file in TESTS.rglob("test_*.py")
    if file.relative_to(TESTS).parts[0]
    not in ("docs", "integration")  # these test no module: pages, and tools together
)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_test_module_mirrors_a_module_by_name_or_says_why_not(module):
    name = module.parent / module.stem.removeprefix("test_")
    places = [place / name for place in (REPOSITORY / "dermai", REPOSITORY, REPOSITORY / "benchmarks")]
    if any(place.with_suffix(".py").is_file() or (place / "__init__.py").is_file() for place in places):
        return
    docstring = ast.get_docstring(ast.parse((TESTS / module).read_text(encoding="utf-8"))) or ""
    assert docstring.startswith("Not one module: "), f"no module {name}: rename the test, or say why not"


def test_the_modules_of_a_test_folder_are_found():
    assert len(MODULES) > 80


def test_every_pipeline_is_installed_under_its_bare_name() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]
    pipelines = {path.stem for path in (REPOSITORY / "pipelines").glob("*.py")} - {"__init__"}
    assert set(settings["py-modules"]) == pipelines
    assert all((REPOSITORY / f"{name}.py").is_file() for name in pipelines)
