"""Not one module: a server that is killed with SIGKILL while referrals come in loses none that it acknowledged."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import httpx
import pytest
from starlette.testclient import TestClient

from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.waiting_cases import referred_cases
from tests.conftest import REPOSITORY
from tests.triage.champion import make_champion
from tests.web.api.sending import CASE, close_up, jpeg, token_for
from tests.web.visitors import ADDRESS

SERVER = """
import sys, uvicorn
from pathlib import Path
from dermai.workspace import Workspace
from web.application import create_application
uvicorn.run(create_application(Workspace(Path(sys.argv[1]))), host="127.0.0.1", port=int(sys.argv[2]))
"""


def free_port():
    """Below those from which clients speak: while the server is away none may take it."""
    for port in range(18700, 18800):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Server:
    """The service as a process of its own, always on the same port."""

    def __init__(self, workspace):
        self.port = free_port()
        self.command = [sys.executable, "-c", SERVER, str(workspace.root), str(self.port)]
        self.start()

    def start(self):
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        self.process = subprocess.Popen(self.command, env=environment, stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.start()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def send(server, headers, cases, acknowledged):
    """Each case until it has its answer, as a phone does that hears nothing."""
    for case in cases:
        deadline, photograph = time.monotonic() + 300, jpeg(int(case[1:]) % 7)
        while True:
            assert time.monotonic() < deadline
            try:
                answer = httpx.post(
                    f"http://127.0.0.1:{server.port}/api/v1/referrals",
                    data={**CASE, "case_id": case, "patient_id": case}, files=close_up(photograph),
                    headers=headers, timeout=200,
                )  # fmt: skip
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code == 200:
                acknowledged[case] = answer.json()
                break
            assert answer.status_code == 503, answer.text
            time.sleep(0.1)


@pytest.mark.parametrize(("kills", "cases"), [(1, 4), pytest.param(5, 80, marks=pytest.mark.long)])
def test_whatever_is_acknowledged_is_on_the_worklist_once(workspace, registry, application, tmp_path, kills, cases):
    version = make_champion(registry, tmp_path).version
    headers = token_for(application)
    with TestClient(application, base_url=ADDRESS) as client:  # exports the networks, once for all servers
        answer = client.post("/api/v1/referrals", data=CASE, files=close_up(jpeg(99)), headers=headers)
        assert answer.status_code == 200, answer.text
    server, acknowledged = Server(workspace), {}
    numbers = [f"C{number}" for number in range(cases)]
    clients = [
        threading.Thread(target=send, args=(server, headers, numbers[first::3], acknowledged)) for first in range(3)
    ]
    for client in clients:
        client.start()
    for kill in range(kills):
        while len(acknowledged) < (kill + 1) * cases // (kills + 2):
            assert any(client.is_alive() for client in clients)
            time.sleep(0.01)
        server.kill()
    for client in clients:
        client.join()
    server.stop()
    assert set(acknowledged) == set(numbers)
    log = PredictionLog.of(workspace)
    assert len(referred_cases(log)) == cases + 1
    assert len(log.read(version).table) == cases + 1
    assert not log.problems()
