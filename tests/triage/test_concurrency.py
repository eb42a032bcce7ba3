"""Not one module: two triages of one workspace at once: the second waits, and nothing is scored twice."""

import subprocess
import sys

from dermai.config import load_params
from dermai.files import locked
from dermai.prediction_log.log import PredictionLog
from dermai.triage.run import run_triage
from tests.conftest import REPOSITORY
from tests.triage.champion import make_champion
from tests.triage.referrals import write_referrals
from tests.triage.test_run import WHEN

PROGRAM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from dermai.config import load_params
from dermai.triage.run import run_triage
from dermai.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
params = load_params(workspace.params_file, {"triage.heat_maps": False, "triage.batch": 2})
run_triage(workspace, params, Path(sys.argv[2]), workspace.root / sys.argv[3], datetime(2026, 3, 1, tzinfo=UTC))
"""


def test_two_processes_log_each_photograph_once(workspace, registry, tmp_path):
    make_champion(registry, tmp_path)
    folder = write_referrals(tmp_path / "new", 6)
    command = [sys.executable, "-c", PROGRAM, str(workspace.root), str(folder)]
    with locked(workspace.state / "triage.lock"):  # until both are there
        started = [
            subprocess.Popen([*command, name], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) for name in "ab"
        ]
        for process in started:
            assert any("this one waits" in line for line in process.stderr)
    for process in started:
        assert process.communicate()[1] is not None
        assert process.returncode == 0
    log = PredictionLog(workspace.prediction_log)
    rows = log.read("1")
    assert (len(rows.table), rows.replaced) == (6, 0)
    assert (workspace.root / "a" / "worklist.csv").read_text() == (workspace.root / "b" / "worklist.csv").read_text()
    params = load_params(workspace.params_file, {"triage.heat_maps": False})
    assert run_triage(workspace, params, folder, workspace.root / "c", WHEN).scored_now == 0
