"""The page of licences: it covers the lock, says what the packages say, and holds none that forbids the use."""

from __future__ import annotations

import importlib
from importlib import metadata
from types import ModuleType

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(REPOSITORY / "docs")
        return importlib.import_module("licences")


def test_the_page_names_every_package_of_the_lock(licences: ModuleType) -> None:
    page = licences.PAGE.read_text()
    rows, _, elsewhere = page.partition("## Not installed on Linux")
    for name in licences.locked():
        assert f"\n| {name} | " in rows or f" {name}" in elsewhere, f"{name} is not on the page: make licences"


def test_the_page_says_what_the_installed_packages_say(licences: ModuleType) -> None:
    page = licences.PAGE.read_text()
    versions = licences.locked()
    for one in licences.dependencies():
        if metadata.version(one.name) in versions[one.name]:  # not where the oldest allowed ones are installed
            assert f"\n| {one.name} | {one.licence} | {'; '.join(one.duties)} |\n" in page, "make licences"


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "AGPL-3.0-only", "BUSL-1.1", "MIT AND AGPL-3.0-only", "GPL-2.0-only"]
)
def test_a_licence_that_forbids_the_use_is_refused(licences: ModuleType, licence: str) -> None:
    with pytest.raises(ValueError, match="not among the allowed licences"):
        _ = licences.Dependency("example", "run", licence).duties


def test_a_choice_counts_as_its_allowed_part(licences: ModuleType) -> None:
    assert licences.Dependency("example", "run", "GPL-3.0-only OR MIT").duties == []
    assert licences.Dependency("example", "run", "MIT AND MPL-2.0").duties == [licences.WITH_A_DUTY["MPL-2.0"]]
