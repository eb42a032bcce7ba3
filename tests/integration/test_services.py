"""The whole update through the services a hospital's platform team gives: PostgreSQL, S3, MLflow and ZenML servers.

Each is stopped in the middle of a run: one clear line, the champion as before, and the next run succeeds.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dermai.audit import AuditLog
from dermai.config import load_params
from dermai.doctor.secrets import find_secrets, scanned_files
from dermai.errors import PackageTampered
from dermai.registry.registry import Registry
from dermai.workspace import Workspace
from tests.integration.conftest import Clone
from tests.integration.services import PASSWORD, ZENML_PYTHON, Deployment, Server, postgres_programs

# The smallest update that is still one: 30 patients or so, any melanoma found is enough.
TINY = """
seed: 20211003
model: {image_size: 64}
validation: {smallest_side: 32}
gate:
  mode: point
  hit: malignant
  floors: {MM: 0.01, BCC: 0.01}
  fewest_lesions: 1
"""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    if postgres_programs() is None or not ZENML_PYTHON.exists():
        if os.environ.get("CI"):
            pytest.fail("tests/services.sh did not install the servers")
        pytest.skip("the servers are not installed: run `bash tests/services.sh`")
    services = Deployment(tmp_path_factory.mktemp("services"))
    try:
        services.start()
        yield services
    finally:
        services.stop()


@pytest.fixture(scope="module")
def clone(fresh_clone: Clone, deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone that uses the services, with a tiny dataset in the S3 remote and a first champion."""
    clone = fresh_clone.copy(tmp_path_factory.mktemp("deployed") / "there")
    clone.environment.update(deployment.client)
    (clone.root / "params.yaml").write_text(TINY)
    shutil.rmtree(clone.root / "data")
    (clone.root / "data.dvc").unlink()
    clone.run("dvc", "remote", "add", "--default", "hospital", "s3://dermai-data/dvc")
    arrive(clone, 1, "0.02")
    clone.commit(".dvc/config", "data.dvc", "params.yaml")
    who = ("--approver", "A test", "--role", "engineer", "--reason", "the smallest update")
    clone.run("dermai", "gate", "approve-policy", *who)
    clone.run("zenml", "stack", "import", "deploy/zenml-server/stack-one-server.yaml")
    clone.run("zenml", "stack", "set", "hospital")
    clone.run("zenml", "pipeline", "run", "incremental_finetune")
    return clone


def arrive(clone: Clone, number: int, scale: str) -> None:
    """New cases, in a dataset version that others can pull."""
    more = ("--prevalence", "MM=6", "--prevalence", "BCC=4")
    clone.run(
        "dermai", "simulate", f"incoming/{number}", "--arrival", str(number), "--size", "72", "--scale", scale, *more
    )
    clone.run("dermai", "ingest", f"incoming/{number}")
    clone.run("dvc", "add", "--quiet", "data")
    clone.run("dvc", "push", "--quiet")
    clone.commit("data.dvc")


def registry_of(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> Registry:
    for name, value in clone.environment.items():
        if name.startswith(("AWS_", "MLFLOW_", "DERMAI_")):
            monkeypatch.setenv(name, value)
    return Registry(Workspace(clone.root), load_params(clone.root / "params.yaml"))


def stop_during_training(clone: Clone, stop: Callable[[], None], **overrides: object) -> str:
    """Start an update, stop a service once training has begun; what the update says before it gives up."""
    folder = clone.root / "state" / "cache" / "training"
    known = set(folder.glob("*/*"))
    wide = replace(clone, environment={**clone.environment, "COLUMNS": "1000"})  # errors are not broken over lines
    process = wide.start(*clone.update_command(**overrides))
    deadline = time.monotonic() + 500
    while set(folder.glob("*/*")) <= known:
        assert process.poll() is None, process.communicate()[0][-4000:]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop()
    said, _ = process.communicate(timeout=900)
    assert process.returncode != 0
    return " ".join(said.split())


def test_the_update_runs_through_all_services(clone: Clone, deployment: Deployment, tmp_path: Path) -> None:
    assert clone.status()["champion"]["version"] == "1"
    assert not (clone.root / "mlflow.db").exists()
    assert not (clone.root / "mlartifacts").exists()
    examined = json.loads(clone.run("dermai", "doctor", "--json").stdout)
    services = {found["check"]: found for found in examined["findings"]}
    assert examined["ok"], examined
    assert deployment.client["MLFLOW_TRACKING_URI"] in services["registry"]["what"]
    assert "s3://dermai-data/dvc" in services["data remote"]["what"]
    assert deployment.client["ZENML_STORE_URL"] in services["ZenML server"]["what"]

    cases = (clone.root / "data" / "cases.csv").read_bytes()
    shutil.rmtree(clone.root / "data")
    shutil.rmtree(clone.root / ".dvc" / "cache")
    clone.run("dvc", "pull", "--quiet")
    assert (clone.root / "data" / "cases.csv").read_bytes() == cases
    arrive(clone, 2, "0.01")


SEEN_BY_THE_DOCTOR = {"postgres": {"registry"}, "s3": {"registry", "data remote"}}  # behind a server that answers


@pytest.mark.long  # two runs of the pipeline each
@pytest.mark.parametrize("service", ["postgres", "s3", "mlflow", "zenml"])
def test_a_service_stopped_in_the_middle_of_a_run_loses_nothing(
    clone: Clone, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    registry = registry_of(clone, monkeypatch)
    audit = AuditLog(clone.root / "state" / "audit" / "updates.jsonl")
    known, failures = registry.versions(), len(audit.entries("failure"))
    # Each run trains anew (another seed), and waits for a person when it passes, so that there is always work to do.
    overrides = {"seed": len(known), "gate__approval": "manual"}
    stopped = getattr(deployment, service)

    said = stop_during_training(clone, stopped.stop, **overrides)
    wrong = set()
    if service in SEEN_BY_THE_DOCTOR:
        examined = json.loads(clone.run("dermai", "doctor", "--json", check=False).stdout)
        wrong = {found["check"] for found in examined["findings"] if found["state"] == "problem"}
    stopped.start()
    if isinstance(stopped, Server):
        stopped.wait()

    ports = {"s3": deployment.s3.port, "zenml": deployment.client["ZENML_STORE_URL"].rpartition(":")[2]}
    assert str(ports.get(service, "the model registry")) in said, said[-6000:]
    assert "dermai: the update stopped" in said, said[-6000:]
    assert wrong >= SEEN_BY_THE_DOCTOR.get(service, set())
    assert len(audit.entries("failure")) == failures + 1
    assert [(version.version, version.aliases) for version in registry.versions()] == [
        (version.version, version.aliases) for version in known
    ]

    clone.update(**overrides)
    versions = registry.versions()
    assert len(versions) == len(known) + 1
    assert registry.by_alias("champion").version == "1"
    for version in versions:
        registry.download(version.version)
    assert audit.verify().ok


def test_no_log_report_or_record_holds_a_password_or_a_key(clone: Clone, deployment: Deployment) -> None:
    keys = clone.root.parent / "keys"
    live = {
        "the services' password": PASSWORD.encode(),
        "the pseudonym key": (keys / "pseudonym.key").read_bytes().strip(),
        "the audit key": (keys / "audit.key").read_bytes().splitlines()[1],
    }
    logs = list(deployment.folder.glob("*.log"))
    assert len(logs) == 2
    assert [str(leak) for leak in find_secrets([*logs, *scanned_files(Workspace(clone.root))], live)] == []


def test_a_model_file_changed_in_the_bucket_is_refused(
    clone: Clone, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    registry = registry_of(clone, monkeypatch)
    bucket = boto3.resource("s3", endpoint_url=deployment.s3.url).Bucket("dermai-models")
    weights = [item for item in bucket.objects.all() if item.key.endswith("weights.safetensors")]
    assert weights
    for item in weights:
        content = item.get()["Body"].read()
        item.put(Body=content[:-1] + bytes([content[-1] ^ 1]))
    shutil.rmtree(clone.root / "state" / "cache" / "packages")
    with pytest.raises(PackageTampered, match=r"dermai version 1: .*weights.safetensors"):
        registry.download("1")
