"""Not one module: the commands of docs/fhir.md, asked of a running service."""

import base64
import json
import os
import re
import subprocess

import pytest

from tests.conftest import REPOSITORY
from tests.exchange.validation import check
from tests.triage.champion import make_champion
from tests.web.api.sending import jpeg, token_for

GUIDE = (REPOSITORY / "docs" / "fhir.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (curl .*)$", GUIDE, re.MULTILINE)
EXAMPLE = re.findall(r"^```json\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_every_command_of_the_guide_is_answered(workspace, registry, live, tmp_path):
    make_champion(registry, tmp_path)
    (example,) = EXAMPLE
    check(json.loads(example.replace("BASE64", base64.b64encode(b"x").decode())))
    sent = example.replace("BASE64", base64.b64encode(jpeg()).decode())
    (tmp_path / "referral.json").write_text(sent, encoding="utf-8")
    secret = token_for(live.application, diagnoses=True)["Authorization"].removeprefix("Bearer ")
    environment = {**os.environ, "TOKEN": secret, "SERVICE": live.address}
    assert len(COMMANDS) == 5
    for command in COMMANDS:
        if "Observation" in command:
            live.application.state.receiver.close()  # filed: weeks later
        done = subprocess.run(
            ["bash", "-c", f"{command} --silent"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        answer = json.loads(done.stdout)
        check(answer)
        if answer["resourceType"] == "Bundle":
            location = answer["entry"][0]["response"]["location"]
            environment["ID"] = location.removeprefix("ServiceRequest/")
