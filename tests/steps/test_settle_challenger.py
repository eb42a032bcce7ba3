"""A challenger is settled before the update asks who is in production."""

from __future__ import annotations

from steps.find_champion import find_champion
from steps.settle_challenger import settle_challenger
from tests.promotion.test_shadow_mode import confirm_all, log_answers


def test_a_challenger_that_practice_has_shown_is_the_champion_that_is_found(fleet, capsys):
    fleet.champions(1)
    assert settle_challenger.entrypoint(fleet.params) == ""
    fleet.candidate("insufficient_evidence")
    assert find_champion.entrypoint(fleet.params).champion.version == "1"
    for version in ("1", "2"):
        diagnoses = log_answers(fleet, version)
    confirm_all(fleet, diagnoses)
    assert find_champion.entrypoint(fleet.params).champion.version == "1"  # to look is not to settle
    capsys.readouterr()
    said = settle_challenger.entrypoint(fleet.params)
    assert "Version 2 is the champion" in said
    assert capsys.readouterr().out == f"{said}\n"
    assert find_champion.entrypoint(fleet.params).champion.version == "2"
