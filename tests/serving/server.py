"""A model served by MLflow on loopback, and questions to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


@contextmanager
def serving(model: str, tracking_uri: str = "") -> Iterator[int]:
    """`mlflow models serve` of a folder or a registered version; gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("mlflow")), "models", "serve", "-m", model]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking_uri}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        _wait_for(server, f"http://127.0.0.1:{port}/ping")
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


@contextmanager
def answering(model: str) -> Iterator[TestClient]:
    """MLflow's own HTTP application of a folder or a registered version, within this process: quick enough for many."""
    import mlflow.pyfunc
    from fastapi.testclient import TestClient
    from mlflow.pyfunc import scoring_server

    loaded = mlflow.pyfunc.load_model(model)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("__MLFLOW_IN_SERVING_ENVIRONMENT", "")  # init() sets it for good
        with TestClient(scoring_server.init(loaded), raise_server_exceptions=False) as client:
            yield client


def ask(port: int, photographs: pd.DataFrame) -> pd.DataFrame:
    """The served model's answers."""
    body = json.dumps({"dataframe_split": json.loads(photographs.to_json(orient="split", index=False))})
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return pd.DataFrame(json.load(answer)["predictions"])


def _wait_for(server: subprocess.Popen, address: str) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not start (exit status {server.poll()})")
