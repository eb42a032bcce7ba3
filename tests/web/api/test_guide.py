"""Not one module: the commands of docs/http_interface.md, asked of a running service."""

import json
import os
import re
import subprocess

import pytest

from tests.conftest import REPOSITORY
from tests.triage.champion import make_champion
from tests.web.api.sending import jpeg, token_for

GUIDE = (REPOSITORY / "docs" / "http_interface.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (curl .*)$", GUIDE, re.MULTILINE)


def test_every_command_of_the_guide_is_answered(workspace, registry, live, tmp_path):
    make_champion(registry, tmp_path)
    for seed, name in enumerate(("lesion.jpg", "back.jpg")):
        (tmp_path / name).write_bytes(jpeg(seed))
    secret = token_for(live.application)["Authorization"].removeprefix("Bearer ")
    environment = {**os.environ, "TOKEN": secret, "SERVICE": live.address}
    assert len(COMMANDS) == 6
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-c", f"{command} --silent"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert json.loads(done.stdout)


@pytest.mark.parametrize("name", ["request_id", "photographs", "risk", "called", "possible", "no_answer", "warning"])
def test_the_guide_names_what_an_answer_holds(name):
    assert f"`{name}`" in GUIDE
