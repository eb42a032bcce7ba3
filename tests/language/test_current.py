"""Which language a browser asks for."""

from __future__ import annotations

import pytest

from dermai.language.current import accepted_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("pt-PT,pt;q=0.9,en;q=0.8", "pt"),
        ("en-GB,en;q=0.9,pt;q=0.1", "en"),
        ("fr, de;q=0.5", None),
        ("pt;q=0", None),
        ("pt;q=very", None),
        ("", None),
        ("pt_PT", "pt"),
    ],
)
def test_the_language_of_ours_that_is_wanted_most(header: str, language: str | None) -> None:
    assert accepted_language(header) == language
