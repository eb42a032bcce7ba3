"""Not one module: the pages of concepts name modules and tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PAGES = sorted((REPOSITORY / "docs" / "concepts").glob("*.md"))
TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
MODULE = re.compile(r"`((?:dermai|monitoring)\.[a-z_.]+)`")


def names_in(file: Path) -> set[str]:
    """Functions of a module, and those of its classes as Class::function."""
    found: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_test_that_a_page_names_exists(page: Path) -> None:
    named = TEST.findall(page.read_text())
    assert named or page.stem == "index"
    for file, name in named:
        assert name in names_in(REPOSITORY / file), f"{page.name} names {file}::{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_module_that_a_page_names_exists(page: Path) -> None:
    for name in MODULE.findall(page.read_text()):
        module, _, last = name.rpartition(".")
        file = REPOSITORY.joinpath(*name.split(".")).with_suffix(".py")
        parent = REPOSITORY.joinpath(*module.split(".")).with_suffix(".py")
        assert file.is_file() or (parent.is_file() and last in names_in(parent)), f"{page.name} names {name}"


def test_each_page_is_in_the_index() -> None:
    index = (REPOSITORY / "docs" / "concepts" / "index.md").read_text()
    assert all(page.stem == "index" or f"\n{page.stem}\n" in index for page in PAGES)
