"""Each diagram of the pages has its picture, which the site shows in its place."""

from __future__ import annotations

import importlib

import pytest

from tests.conftest import REPOSITORY


def test_each_diagram_was_drawn_since_its_words_changed() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(REPOSITORY / "docs")
        diagrams = importlib.import_module("diagrams")
    pages = [page for page in sorted((REPOSITORY / "docs").rglob("*.md")) if "generated" not in page.parts]
    drawn = {diagrams.file_of(words) for page in pages for words in diagrams.FENCE.findall(page.read_text())}
    assert drawn
    assert drawn == set((REPOSITORY / "docs" / "images").glob("diagram-*.svg")), "python docs/diagrams.py"
