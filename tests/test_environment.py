"""Nothing leaves the hospital: what each library is told, and that it is told in time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dermai.doctor.telemetry import SILENCES
from dermai.environment import TELEMETRY_OFF
from dermai.models.engine import export_network
from tests.conftest import REPOSITORY
from tests.models.test_engine import HALF, random_weights


@pytest.mark.parametrize("file", ["Makefile", "deploy/Dockerfile"])
def test_whoever_starts_a_library_by_itself_finds_its_telemetry_off(file: str) -> None:
    said = (REPOSITORY / file).read_text(encoding="utf-8")
    for name in SILENCES:
        (value,) = re.findall(rf"\b{name}(?: \?)?=\s?(\S+)", said)
        assert value == TELEMETRY_OFF[name]


def test_a_network_that_runs_in_a_program_of_others_tells_nobody(tmp_path: Path) -> None:
    file = tmp_path / "network.onnx"
    file.write_bytes(export_network("mobilenetv3_small_050", random_weights("mobilenetv3_small_050"), 64, HALF, HALF))
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import sys, pathlib; from dermai.models.engine import Engine; Engine(pathlib.Path(sys.argv[1]).read_bytes())"
    )
    environment = {name: value for name, value in os.environ.items() if name not in TELEMETRY_OFF} | {"HOME": str(home)}
    subprocess.run([sys.executable, "-c", code, file], cwd=REPOSITORY, env=environment, check=True)
    assert not list(home.rglob("*onnxruntime*")), "ONNX Runtime keeps there what it is going to send, and who it is"
