"""Not one module: whatever order things happen in, each photograph is judged once and each alarm is heard once."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dermai.audit import AuditLog
from dermai.files import sha256_bytes
from dermai.prediction_log.log import PredictionLog
from dermai.records.after_alarms import AfterAlarms, owed_after_alarms
from dermai.records.incidents import DriftAlarm, WindowAlarm
from dermai.records.log import records_of
from dermai.registry.registry import Registry
from dermai.workspace import WORKSPACE_VARIABLE, Workspace
from monitoring.evidently_report import evidently_folder, report_file
from monitoring.history import History, read_history
from monitoring.recorded_alarms import alarm_window
from monitoring.windows import read_keys
from tests.monitoring.generated_orders import Happening, diagnose, draw_order, monitor, triage
from tests.monitoring.killed_processes import in_a_process
from tests.monitoring.production import make_champion, quick_params

KEYS = ("DERMAI_PSEUDONYM_KEY_FILE", "DERMAI_AUDIT_KEY_FILE")
VERSION = "1"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory, mlflow_store: Path) -> Path:
    """A folder with a champion's workspace and its keys, as they are before any referral."""
    folder = tmp_path_factory.mktemp("clinic")
    with pytest.MonkeyPatch.context() as patched:
        for name, file in zip(KEYS, ("pseudonym.key", "audit.key"), strict=True):
            patched.setenv(name, str(folder / "keys" / file))
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        root = folder / "workspace"
        root.mkdir()
        shutil.copy(Path(__file__).parents[2] / "params.yaml", root)
        shutil.copy(mlflow_store, root)
        workspace = Workspace(root)
        make_champion(Registry(workspace, quick_params(workspace)), workspace, folder / "known")
        shutil.copytree(workspace.state, folder / "state")
        shutil.copytree(folder / "keys", folder / "keys at first")
    return folder


@dataclass
class Service:
    """The clinic's workspace, who hears of its alarms, and what was seen of both so far."""

    workspace: Workspace
    folders: Path
    environment: dict[str, str]
    receivers: list[Any]
    judged: set[str] = field(default_factory=set)
    windows: int = 0
    runs: int = 0
    told_twice: int = 0  # kills between a receiver's answer and its note
    followed_up: int = 0  # runs after which fewer follow-ups are owed

    def happens(self, happening: Happening) -> None:
        """Let it happen in a process of its own, and look what became of it."""
        root = self.workspace.root
        for receiver, habit in zip(self.receivers, happening.habits, strict=True):
            receiver.status = habit
        if happening.what == "monitor":
            self.runs += 1
            before = self.settled()
            whole = self.process(monitor, (root, f"run-{self.runs}", happening.habits), happening)
            self.followed_up += self.settled() > before
            self.told_twice += happening.told_twice and not whole
            self.see(f"run-{self.runs}" if whole else "")
        else:
            self.process(triage if happening.what == "triage" else diagnose, (root, self.folders, happening), happening)
            self.see("")

    def process(self, work: Any, arguments: tuple[object, ...], happening: Happening) -> bool:
        return in_a_process(work, arguments, self.environment, happening.hours, happening.kill)

    def settled(self) -> set[str]:
        """Alarms whose follow-up was done."""
        found = AfterAlarms.read(self.workspace)
        return set(found.alarms) - set(found.follow_ups)

    @property
    def history(self) -> History:
        return read_history(self.workspace, VERSION)

    def see(self, run: str) -> None:
        """What was judged stays judged, and is as many photographs as the windows say; what waits is named."""
        history = self.history
        keys, damaged = read_keys(PredictionLog.of(self.workspace).parts(VERSION))
        judged = set(keys.loc[history.judged.holds(keys), "image"]) if history.judged else set()
        new = history.windows[self.windows :]
        assert not damaged
        assert judged >= self.judged
        assert len(judged - self.judged) == sum(window.photographs for window in new)
        self.judged, self.windows = judged, len(history.windows)
        if run:
            said = json.loads((self.workspace.reports / "monitor_drift" / run / "monitoring.json").read_text())
            assert said["waiting"] == keys["image"].nunique() - len(judged)
            alarms = [record.body.window for record in records_of(AuditLog(self.workspace.audit_log), WindowAlarm)]
            assert sorted(alarms) == sorted(
                alarm_window(window) for window in history.windows if window.verdict == "act"
            )


@pytest.fixture
def service(clinic: Path, tmp_path: Path, fickle: list[Any], monkeypatch: pytest.MonkeyPatch) -> Service:
    workspace = Workspace(clinic / "workspace")
    for name, at_first in (("workspace/state", "state"), ("keys", "keys at first")):
        shutil.rmtree(clinic / name)
        shutil.copytree(clinic / at_first, clinic / name)
    shutil.rmtree(workspace.reports, ignore_errors=True)
    first, second, workflow = fickle
    environment = {
        **{name: str(clinic / "keys" / file) for name, file in zip(KEYS, ("pseudonym.key", "audit.key"), strict=True)},
        WORKSPACE_VARIABLE: str(workspace.root),
        "DERMAI_ALERT_WEBHOOK": f"{first.address}/first",
        "DERMAI_ALERT_URLS": f"{second.address.replace('http', 'json')}/second",
        "GITHUB_API_URL": workflow.address,
        "GITHUB_REPOSITORY": "clinic/dermai",
        "DERMAI_GITHUB_TOKEN": "token",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "folders").mkdir()
    return Service(workspace, tmp_path / "folders", environment, fickle)


def hold_every_promise(service: Service, order: list[Happening]) -> None:
    for happening in order:
        service.happens(happening)
    for _ in range(3):  # nothing is killed any more, and whoever is told listens
        service.happens(Happening("monitor"))
    history = service.history
    assert history.waiting < quick_params(service.workspace).monitoring.window
    assert owed_after_alarms(service.workspace) == ()

    alarms = [record.body.window for record in records_of(AuditLog(service.workspace.audit_log), DriftAlarm)]
    assert len(alarms) == len(set(alarms))
    names = {sha256_bytes(alarm.encode())[:16] for alarm in alarms}
    *alerted, workflow = service.receivers
    for receiver in alerted:
        told = Counter(name for alert in receiver.taken for name in alert["alarms"])
        assert set(told) == names
        assert max(told.values(), default=1) <= 1 + service.told_twice
    assert service.followed_up <= len(workflow.taken) <= service.followed_up + service.told_twice

    reports = {report_file(service.workspace, window.report) for window in history.windows}
    assert set(evidently_folder(service.workspace).glob("*/snapshots/*.json")) == reports


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [22, pytest.param(54, marks=pytest.mark.long)]
)  # runs that are killed, with windows that call to act, and no long waits
def test_a_few_orders(service: Service, seed: int) -> None:
    hold_every_promise(service, draw_order(seed, 6))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 14))
def test_many_long_orders(service: Service, seed: int) -> None:
    hold_every_promise(service, draw_order(seed, 16))
