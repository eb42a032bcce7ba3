"""Not one module: the deployment files are of the right form, pinned, without secrets, documented, understood by ZenML.

`tests/integration/test_images.py` runs the images; nothing of this builds or starts one.
"""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
import yaml
from kubernetes_validate import validate

from dermai.doctor.secrets import find_secrets
from dermai.records.scheduled_run import COMMANDS
from dermai.source_code import PACKAGES
from tests.conftest import REPOSITORY
from tests.manifests import KUBERNETES, insecure, manifests, pod_template

DEPLOY = REPOSITORY / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
GUIDE = (REPOSITORY / "docs" / "operations.md").read_text()
OWN_IMAGE, SERVER_IMAGE = "dermai:0.2.0", "dermai-zenml-server:0.2.0"
RUN = yaml.safe_load((DEPLOY / "kubernetes" / "incremental_finetune.yaml").read_text())
MANIFESTS = [
    manifest
    for name in ("namespace", "volumes", "servers", "schedule")
    for manifest in manifests(DEPLOY / "kubernetes" / f"{name}.yaml")
]
PODS = [template["spec"] for manifest in MANIFESTS if (template := pod_template(manifest))]
CONTAINERS = [container for pod in PODS for container in pod["containers"]]
# What the services' own images define; the guide documents what a person sets.
OF_THE_IMAGES = {
    "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_INITDB_ARGS", "MYSQL_DATABASE", "MYSQL_USER",
    "MYSQL_RANDOM_ROOT_PASSWORD", "ZENML_ANALYTICS_OPT_IN", "ZENML_SERVER_AUTO_ACTIVATE", "PGPASSWORD",
}  # fmt: skip


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


@pytest.mark.parametrize("file", sorted(DEPLOY.rglob("*.yaml")), ids=lambda file: file.name)
def test_every_file_is_yaml(file):
    assert all(isinstance(document, dict) for document in yaml.safe_load_all(file.read_text()))


def test_images_are_pinned_to_a_version():
    images = {service["image"] for service in COMPOSE["services"].values()}
    files = [
        (DEPLOY / service["build"]["dockerfile"].removeprefix("deploy/"))
        for service in COMPOSE["services"].values()
        if "build" in service
    ]
    bases = {base for file in files for base in re.findall(r"^ARG BASE=(\S+)", file.read_text(), re.MULTILINE)}
    assert bases
    for image in images | bases:
        assert re.search(r":v?\d+\.\d+", image), f"{image} is not pinned"
    project = (REPOSITORY / "pyproject.toml").read_text()
    assert f'version = "{OWN_IMAGE.partition(":")[2]}"' in project
    zenml = re.search(r"zenml\[local\]==([\d.]+)", project)
    assert zenml
    assert f"zenml[server]=={zenml[1]}" in (DEPLOY / "zenml-server" / "requirements.in").read_text()


def test_packages_are_installed_from_locks_with_hashes_only():
    dockerfiles = "".join(file.read_text() for file in DEPLOY.rglob("Dockerfile"))
    installs = re.findall(r"pip install[^\n&]*", dockerfiles)
    assert len(installs) >= 5
    for install in installs:
        assert "--require-hashes" in install or "--no-deps" in install or re.search(r"uv==\d", install), install
    for lock in DEPLOY.rglob("requirements.txt"):
        text = lock.read_text()
        assert text.count("--hash=sha256:") > text.count("==")


def test_the_image_holds_every_package_that_the_project_has():
    dockerfile, let_through = (DEPLOY / "Dockerfile").read_text(), (REPOSITORY / ".dockerignore").read_text()
    for package in PACKAGES:
        assert f"COPY {package} {package}\n" in dockerfile
        assert f"!{package}\n" in let_through


def test_compose_is_of_the_right_structure():
    known = {
        "image", "build", "restart", "environment", "volumes", "healthcheck", "command", "working_dir", "depends_on",
        "ports", "profiles", "security_opt", "cap_drop", "read_only", "tmpfs",
    }  # fmt: skip
    for name, service in COMPOSE["services"].items():
        assert set(service) <= known, name
        for other in service.get("depends_on", ()):
            assert other in COMPOSE["services"], f"{name} depends on {other}"
        for volume in service.get("volumes", ()):
            source = volume.rpartition(":")[0]
            assert source.startswith("${") or source in COMPOSE["volumes"], f"{name}: {volume}"
        waits = service.get("depends_on", {})
        for other, rule in waits.items() if isinstance(waits, dict) else ():
            assert rule == {"condition": "service_healthy"}
            assert "healthcheck" in COMPOSE["services"][other], f"{name} waits for {other}"


def test_nothing_is_published_beyond_this_machine():
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_is_in_the_files_and_each_comes_from_the_environment():
    files = [file for file in DEPLOY.rglob("*") if file.is_file()]
    assert list(find_secrets(files, {})) == []
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD$|SECRET|KEY$|TOKEN|ACCESS_KEY", name) and name not in OF_THE_IMAGES:
                assert str(value).startswith("${"), f"{name} has its value in the file"
    example = (DEPLOY / "env.example").read_text()
    assert not re.search(r"^[A-Z0-9_]+=.+", example, re.MULTILINE)
    assert "/deploy/.env" in (REPOSITORY / ".gitignore").read_text()


def test_every_variable_is_documented_and_in_the_example():
    text = (DEPLOY / "compose.yaml").read_text()
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    given = set(re.findall(r"^([A-Z0-9_]+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert asked == given
    telemetry = set(re.findall(r"(?:ENV |    )([A-Z_]+)=(?:false|true|1)\b", (DEPLOY / "Dockerfile").read_text()))
    set_here = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    in_pods = {variable["name"] for container in CONTAINERS for variable in container.get("env", ())}
    in_pods |= set(next(each for each in MANIFESTS if each["kind"] == "ConfigMap")["data"])
    named = (asked | set_here | in_pods) - OF_THE_IMAGES - telemetry
    missing = [name for name in sorted(named) if f"`{name}`" not in GUIDE]
    assert missing == []


@pytest.mark.parametrize("name", ["zenml-server/stack-one-server.yaml", "kubernetes/stack.yaml"])
def test_zenml_knows_the_components_of_the_stacks(name):
    from zenml.artifact_stores.local_artifact_store import LocalArtifactStoreFlavor
    from zenml.container_registries.default_container_registry import DefaultContainerRegistryFlavor
    from zenml.integrations.kubernetes.flavors import KubernetesOrchestratorFlavor
    from zenml.integrations.s3.flavors import S3ArtifactStoreFlavor
    from zenml.orchestrators.local.local_orchestrator import LocalOrchestratorFlavor

    found = (
        LocalArtifactStoreFlavor, DefaultContainerRegistryFlavor, KubernetesOrchestratorFlavor, S3ArtifactStoreFlavor,
        LocalOrchestratorFlavor,
    )  # fmt: skip
    flavors = {(flavor().type.value, flavor().name): flavor() for flavor in found}
    import zenml

    stack = documents(name)[0]
    assert stack["zenml_version"] == zenml.__version__
    for kind, component in stack["components"].items():
        flavor = flavors[kind, component["flavor"]]
        assert set(component["configuration"]) <= set(flavor.config_class.model_fields)
        flavor.config_class(**component["configuration"])


def test_the_settings_of_a_run_on_kubernetes_are_zenmls_own_and_name_a_real_step():
    from zenml.config import DockerSettings, ResourceSettings
    from zenml.integrations.kubernetes.flavors.kubernetes_orchestrator_flavor import KubernetesOrchestratorSettings
    from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

    from pipelines.incremental_finetune import incremental_finetune

    assert set(RUN["settings"]["docker"]) <= set(DockerSettings.model_fields)
    DockerSettings(**RUN["settings"]["docker"])
    assert set(RUN["steps"]) <= {step.name for step in incremental_finetune.depends_on}  # ZenML ignores others
    for place in (RUN, *RUN["steps"].values()):
        ResourceSettings(**place["settings"].get("resources", {}))
        settings = place["settings"]["orchestrator.kubernetes"]
        assert set(settings) <= set(KubernetesOrchestratorSettings.model_fields)
        for name in ("pod_settings", "orchestrator_pod_settings"):
            assert set(settings.get(name, {})) <= set(KubernetesPodSettings.model_fields)


def test_manifests_are_what_the_published_schemas_allow():
    for manifest in MANIFESTS:
        validate(manifest, KUBERNETES, strict=True)
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "dermai"


def test_no_pod_may_more_than_it_needs():
    namespace = next(each for each in MANIFESTS if each["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert len(PODS) == 3 + len(COMMANDS) + 1
    for pod in PODS:
        assert insecure(pod) == []
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsUser"] == 10001
    for container in CONTAINERS:
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["resources"]["limits"]["memory"]
        assert container["image"].removeprefix("registry.hospital.example/") in {OWN_IMAGE, SERVER_IMAGE}


def test_what_pods_name_is_in_the_files_or_told_to_be_made():
    made = {(each["kind"], each["metadata"]["name"]) for each in MANIFESTS}
    run = [RUN["settings"]["orchestrator.kubernetes"]["orchestrator_pod_settings"]]
    volumes = [volume for pod in PODS for volume in pod["volumes"]] + [each for pod in run for each in pod["volumes"]]
    claims = {each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each}
    assert {("PersistentVolumeClaim", claim) for claim in claims} <= made
    sources = [each for container in CONTAINERS for each in container["envFrom"]] + [
        each for pod in run for each in pod["env_from"]
    ]
    assert {("ConfigMap", each["configMapRef"]["name"]) for each in sources if "configMapRef" in each} <= made
    assert ("ServiceAccount", RUN["settings"]["orchestrator.kubernetes"]["service_account_name"]) in made
    for secret in {each["secretRef"]["name"] for each in sources if "secretRef" in each}:
        assert f"create secret generic {secret} " in GUIDE
    assert not [kind for kind, _ in made if kind == "Secret"]


def test_the_schedule_on_kubernetes_is_that_of_the_timers():
    tasks = {each["metadata"]["name"]: each["spec"] for each in MANIFESTS if each["kind"] == "CronJob"}
    for task in COMMANDS:
        spec = tasks.pop(f"dermai-{task.replace('_', '-')}")
        minute, hour = spec["schedule"].split()[:2]
        timer = unit(f"dermai-{task.replace('_', '-')}.timer")["Timer"]["OnCalendar"]
        assert timer == f"*-*-* {int(hour):02}:{int(minute):02}:00"
        command = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"]
        assert command == ["dermai", "run-scheduled", task]
        assert spec["concurrencyPolicy"] == "Forbid"
    (hourly,) = tasks.values()
    assert hourly["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"] == ["dermai", "tell"]


def test_the_dvc_remote_is_configured_as_dvc_reads_it(tmp_path):
    from dvc.config import Config

    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], cwd=tmp_path, check=True)
    config = tmp_path / ".dvc" / "config"
    config.write_text((DEPLOY / "dvc-s3.config").read_text())
    assert Config(str(tmp_path / ".dvc"))["remote"]["hospital"]["url"] == "s3://dermai-data/dvc"


def unit(name: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read(DEPLOY / "systemd" / name)
    return {section: dict(parser[section]) for section in parser.sections()}


def test_every_task_of_the_schedule_has_a_timer_that_the_guide_names():
    for task in COMMANDS:
        name = f"dermai-{task.replace('_', '-')}.timer"
        timer = unit(name)["Timer"]
        assert timer["Unit"] == f"dermai@{task}.service"
        assert timer["Persistent"] == "true"
        assert timer["OnCalendar"].removeprefix("*-*-* ").removesuffix(":00") in GUIDE
        assert name in GUIDE
    assert unit("dermai@.service")["Service"]["ExecStart"].endswith("dermai run-scheduled %i")
    assert unit("dermai-tell.service")["Service"]["ExecStart"].endswith("dermai tell")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_units_are_of_the_form_that_systemd_reads(tmp_path):
    folder = shutil.copytree(DEPLOY / "systemd", tmp_path / "units")
    for file in folder.iterdir():  # the user and the clone are not on this machine
        text = file.read_text().replace("/srv/dermai/.venv/bin/dermai", "/bin/true").replace("User=dermai\n", "")
        file.write_text(text.replace("/srv/dermai", "/"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(folder.glob("*.timer"))], capture_output=True, text=True
    )
    said = [line for line in done.stderr.splitlines() if "units/dermai" in line]
    assert not said
