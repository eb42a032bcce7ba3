"""Not one module: the images that `make image` built run as compose.yaml says, with no network and no container engine.

`make image-test` runs this in a network namespace of its own, where each service has the port that the file gives it.
PostgreSQL is Debian's, the S3 API moto's, and ZenML's server keeps SQLite in the place of MySQL: their own images come
from a registry, and none is asked.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.integration.services import BUCKETS, ObjectStore, Postgres, Server

pytestmark = pytest.mark.skipif(
    "DERMAI_TEST_IMAGES" not in os.environ, reason="the built images are tested by `make image-test`"
)
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "deploy" / "compose.yaml").read_text())["services"]
OWNER = 10001  # the user of both images
SECRET = "only-in-this-test-0123456789abcdef0123456789"
PORTS = {"mlflow": 5000, "zenml": 8080, "web": 8600}


def resolved(value: object, filled_in: dict[str, str]) -> str:
    """A value of the compose file with what deploy/.env says in the place of its variables."""
    pattern = r"\$\{(\w+)(?::([-?])([^}]*))?\}"
    return re.sub(pattern, lambda found: filled_in.get(found[1]) or (found[3] if found[2] == "-" else ""), str(value))


class Composed:
    """What compose.yaml says, started within the images' roots."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clone, self.keys = folder, folder / "clone", folder / "keys"
        self.keys.mkdir(mode=0o700)
        self.kept = folder / "kept"  # in the place of MySQL's volume
        self.kept.mkdir()
        self.hosts = folder / "hosts"
        self.hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *COMPOSE)))
        asked = re.findall(r"\$\{(\w+):\?", (REPOSITORY / "deploy" / "compose.yaml").read_text())
        self.filled_in = dict.fromkeys(asked, SECRET) | {
            "DERMAI_CLONE": str(self.clone),
            "DERMAI_KEYS": str(self.keys),
            "DERMAI_WEB_ADDRESS": "https://dermai.hospital.example",
        }
        self.postgres = Postgres(user="mlflow", password=SECRET, port=5432)
        self.s3 = ObjectStore(port=8333)
        self.servers = {name: self.server(name) for name in PORTS}

    def inside(self, name: str, *command: str) -> list[str]:
        """The command line that runs a command as this service of compose.yaml; its own command without one."""
        service = COMPOSE[name]
        line = ["bash", str(REPOSITORY / "deploy" / "images" / "inside.sh"), service["image"]]
        for volume in service.get("volumes", ()):
            line += ["--bind", resolved(volume, self.filled_in)]
        line += ["--bind", f"{self.hosts}:/etc/hosts", "--bind", f"{self.kept}:/mnt"]
        environment = service.get("environment", {}) | self.instead(name)
        for variable, value in environment.items():
            line += ["--env", f"{variable}={resolved(value, self.filled_in)}"]
        return [*line, "--", *(command or self.command(name))]

    def command(self, name: str) -> list[str]:
        if "command" in COMPOSE[name]:
            return shlex.split(resolved(COMPOSE[name]["command"], self.filled_in))
        dockerfile = (REPOSITORY / COMPOSE[name]["build"]["dockerfile"]).read_text()
        return list(json.loads(dockerfile.rpartition("\nCMD ")[2]))

    def instead(self, name: str) -> dict[str, str]:
        """What differs from the file, and why: the module's first lines."""
        login = {"ZENML_STORE_USERNAME": "dermai", "ZENML_STORE_PASSWORD": SECRET, "ZENML_STORE_API_KEY": ""}
        first_user = {
            "ZENML_STORE_URL": "sqlite:////mnt/zenml.db",
            "ZENML_SERVER_AUTO_ACTIVATE": "true",
            "ZENML_DEFAULT_USER_NAME": "dermai",
            "ZENML_DEFAULT_USER_PASSWORD": SECRET,
        }
        return first_user if name == "zenml" else login if name in ("web", "dermai") else {}

    def server(self, name: str) -> Server:
        return Server(name, self.inside(name), dict(os.environ), self.folder, f"http://127.0.0.1:{PORTS[name]}/health")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command as `docker compose run --rm dermai COMMAND` would run it."""
        done = subprocess.run(self.inside("dermai", *command), capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{shlex.join(command)} failed\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def reign(self) -> Any:
        """What is in production, whenever it is asked."""
        told = json.loads(self.run("dermai", "champion", "--json").stdout)
        del told["on"]
        return told

    def start(self) -> None:
        import boto3

        self.postgres.start()
        for database in ("mlflow", "dermai"):
            self.postgres.create_database(database)
        self.s3.start()
        client = boto3.client(
            "s3", endpoint_url=self.s3.url, region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
        )
        for bucket in BUCKETS:
            client.create_bucket(Bucket=bucket)
        for server in self.servers.values():
            if server.name == "web":  # it says so where there is no account yet, and ends
                self.run("dermai", "account", "add", "a.silva", "--person", "A. Silva", "--role", "clinical lead")
            server.start()
        for server in self.servers.values():
            server.wait()

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()
        self.s3.stop()
        self.postgres.stop()
        shutil.rmtree(self.postgres.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """The services, with a clone that holds the demo's first patients."""
    folder = tmp_path_factory.mktemp("composed")
    services = Composed(folder)
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(services.clone)], check=True)
    here: dict[str, Any] = {"cwd": services.clone, "check": True}
    for line in ("dvc pull --quiet", "demo/few_test_patients.py 60", "dvc add --quiet data"):
        program = ["-m", *shlex.split(line)] if line.startswith("dvc") else shlex.split(line)
        subprocess.run([sys.executable, *program], **here)
    for setting in ("user.name=A test", "user.email=test@localhost"):
        subprocess.run(["git", "config", *setting.split("=")], **here)
    subprocess.run(["git", "commit", "--quiet", "-m", "The first patients", "data.dvc"], **here)
    (services.keys / "pseudonym.key").write_text("simulated patients, so that the key is no secret\n")
    (services.keys / "pseudonym.key").chmod(0o600)
    for path in (services.keys, services.kept, services.clone):
        subprocess.run(["chown", "--recursive", f"{OWNER}:{OWNER}", str(path)], check=True)
    for parent in (folder, *folder.parents[:2]):  # pytest keeps its folders to itself
        parent.chmod(0o755)
    try:
        services.start()
        yield services
    finally:
        services.stop()


def test_the_doctor_finds_nothing_wrong_as_an_unprivileged_user_with_a_read_only_root(composed: Composed) -> None:
    refused = composed.run("sh", "-c", "id -u; touch /opt/dermai/there", check=False)
    assert refused.stdout.strip() == str(OWNER)
    assert "Read-only file system" in refused.stderr
    examined = json.loads(composed.run("dermai", "doctor", "--json").stdout)
    assert examined["ok"], examined


def test_a_whole_update_runs_within_the_image_through_all_services(composed: Composed) -> None:
    composed.run("zenml", "pipeline", "run", "incremental_finetune", "-c", "profiles/demo.yaml")
    status = json.loads(composed.run("dermai", "status", "--json", "--profile", "demo").stdout)
    assert status["champion"]["version"] == "1"
    assert not (composed.clone / "mlflow.db").exists()
    assert not (composed.clone / "mlartifacts").exists()


@pytest.mark.parametrize("service", ["postgres", "s3", "mlflow", "zenml", "web"])
def test_a_service_that_was_killed_and_started_again_serves_as_before(composed: Composed, service: str) -> None:
    before = composed.reign()
    stopped = {"postgres": composed.postgres, "s3": composed.s3, **composed.servers}[service]
    stopped.stop()
    stopped.start()
    if isinstance(stopped, Server):
        stopped.wait()
    assert composed.reign() == before
    composed.servers["web"].wait()
    assert json.loads(composed.run("dermai", "doctor", "--json").stdout)["ok"]
