from __future__ import annotations

import pytest
from typer.testing import CliRunner

from dermai.cli.app import application


def run(*arguments: str):
    return CliRunner().invoke(application, ["simulate", *arguments])


def test_the_command_writes_an_arrival_and_says_that_it_is_simulated(tmp_path):
    outcome = run(str(tmp_path / "new"), "--scale", "0.01", "--size", "64", "--prevalence", "MM=3", "--workers", "1")
    assert outcome.exit_code == 0, outcome.output
    assert "patients who do not exist" in outcome.output
    assert (tmp_path / "new" / "cases.csv").is_file()


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--prevalence", "MM", "not like MM=2"),
        ("--prevalence", "Melanom=2", "no label or class"),
        ("--colour-cast", "1,2", "not like 1.1,1,0.9"),
        ("--scale", "0", "greater than 0"),
    ],
)
def test_a_knob_out_of_range_is_a_usage_error_and_nothing_is_written(tmp_path, option, value, complaint):
    outcome = run(str(tmp_path / "new"), option, value)
    assert outcome.exit_code == 2
    assert complaint in " ".join(outcome.output.split())
    assert not (tmp_path / "new").exists()
