"""Manifests of Kubernetes as the tests read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

KUBERNETES = "1.37"  # whose published schemas are used
Manifest = dict[str, Any]


def manifests(file: Path) -> list[Manifest]:
    """The objects of a file, those of a List one by one."""
    found = [document for document in yaml.safe_load_all(file.read_text()) if document]
    return [item for document in found for item in document.get("items", [document])]


def pod_template(manifest: Manifest) -> Manifest | None:
    """The pod that an object starts."""
    spec = manifest.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec.get("template")


def insecure(pod: Manifest) -> list[str]:
    """Where the specification of a pod breaks the Pod Security Standard "restricted" of Kubernetes."""
    wrong = [name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
    wrong += [f"volume {each['name']}" for each in pod.get("volumes", ()) if not set(each) - {"name"} <= allowed]
    of_pod = pod.get("securityContext", {})
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        context = of_pod | container.get("securityContext", {})
        kept = {
            "privileged": not context.get("privileged"),
            "allowPrivilegeEscalation": context.get("allowPrivilegeEscalation") is False,
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            "runAsUser": context.get("runAsUser") != 0,
            "seccompProfile": context.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
            "capabilities": context.get("capabilities") == {"drop": ["ALL"]},
            "hostPort": not any("hostPort" in port for port in container.get("ports", ())),
        }
        wrong += [f"{container['name']}: {name}" for name, holds in kept.items() if not holds]
    return wrong
