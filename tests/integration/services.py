"""A hospital's services on loopback: PostgreSQL, an S3 API, an MLflow and a ZenML server, each can be stopped."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.conftest import REPOSITORY

ZENML_PYTHON = REPOSITORY / ".venv-zenml-server" / "bin" / "python"
BUCKETS = ("dermai-data", "dermai-models", "dermai-runs")
PASSWORD = secrets.token_hex(16)  # of this run only, on loopback only


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's server programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that serves HTTP; it keeps its port and its state when it is stopped and started again."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], folder: Path, health: str) -> None:
        self.name, self.command, self.environment = name, command, environment
        self.log = folder / f"{name}.log"
        self.folder, self.health = folder, health
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 300
        while True:
            assert self.process is not None
            assert self.process.poll() is None, f"{self.name} ended: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"{self.name} did not start: {self.log.read_text()[-3000:]}"
            try:
                with urllib.request.urlopen(self.health, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)

    def stop(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Postgres:
    """A database cluster of this test's own; its server refuses to run as root, so it runs as Debian's user."""

    def __init__(self, user: str = "dermai", password: str = PASSWORD, port: int = 0) -> None:
        programs = postgres_programs()
        assert programs is not None
        self.programs, self.user, self.password, self.port = programs, user, password, port or free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="dermai-postgres-"))
        (self.folder / "password").write_text(password)
        self.run_as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.run_as:
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, "postgres")
        settings = ["-A", "scram-sha-256", "-U", user, "--pwfile", str(self.folder / "password")]
        self._run("initdb", "-D", str(self.folder / "data"), *settings, "-E", "UTF8", "--locale=C", "--no-sync")

    @property
    def uri(self) -> str:
        return f"postgresql://{self.user}:{self.password}@127.0.0.1:{self.port}/postgres"

    def create_database(self, name: str) -> None:
        import psycopg2

        connection = psycopg2.connect(self.uri)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        connection.close()

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories={self.folder}"
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", options, "-w", "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self.run_as, str(self.programs / program), *arguments]
        result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", check=False)
        assert result.returncode == 0, result.stderr.decode()


class ObjectStore:
    """An S3 API whose objects live in this process, so that they are still there when it answers again."""

    def __init__(self, port: int = 0) -> None:
        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.make = ThreadedMotoServer
        self.port = port or free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.server = self.make(ip_address="127.0.0.1", port=self.port)
        self.server.start()

    def stop(self) -> None:
        self.server.stop()


class Deployment:
    """All services, and the environment that a client of them needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.s3, self.postgres = ObjectStore(), Postgres()
        credentials = {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.s3.url,
            "MLFLOW_S3_ENDPOINT_URL": self.s3.url,
        }
        mlflow_port, zenml_port = free_port(), free_port()
        plain = {"PATH": os.environ["PATH"], "HOME": str(folder), **credentials}
        self.mlflow = Server(
            "mlflow",
            [
                sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(mlflow_port),
                "--workers", "1", "--backend-store-uri", self.postgres.uri,
                "--artifacts-destination", "s3://dermai-models",
            ],
            {**plain, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            folder,
            f"http://127.0.0.1:{mlflow_port}/health",
        )  # fmt: skip
        self.zenml = Server(
            "zenml",
            [
                str(ZENML_PYTHON), "-m", "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", "127.0.0.1",
                "--port", str(zenml_port), "--no-server-header", "--log-level", "warning",
            ],
            {
                **plain,
                "ZENML_CONFIG_PATH": str(folder / "zenml-server"),
                "ZENML_ANALYTICS_OPT_IN": "false",
                "ZENML_SERVER_AUTO_ACTIVATE": "true",
                "ZENML_DEFAULT_USER_NAME": "dermai",
                "ZENML_DEFAULT_USER_PASSWORD": PASSWORD,
                "ZENML_SERVER_JWT_SECRET_KEY": secrets.token_hex(32),
            },
            folder,
            f"http://127.0.0.1:{zenml_port}/health",
        )  # fmt: skip
        self.client = {
            **credentials,
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{mlflow_port}",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "ZENML_STORE_URL": f"http://127.0.0.1:{zenml_port}",
            "ZENML_STORE_USERNAME": "dermai",
            "ZENML_STORE_PASSWORD": PASSWORD,
        }

    def start(self) -> None:
        """Start all of them."""
        import boto3

        self.postgres.start()
        self.s3.start()
        (self.folder / "zenml-server").mkdir(exist_ok=True)
        for server in (self.mlflow, self.zenml):
            server.start()
        client = boto3.client(
            "s3", endpoint_url=self.s3.url, region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
        )
        for bucket in BUCKETS:
            client.create_bucket(Bucket=bucket)
        for server in (self.mlflow, self.zenml):
            server.wait()

    def stop(self) -> None:
        """Stop all of them and remove what they left."""
        for service in (self.mlflow, self.zenml, self.s3, self.postgres):
            service.stop()
        shutil.rmtree(self.postgres.folder, ignore_errors=True)
