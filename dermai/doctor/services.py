"""The services that are configured answer: MLflow and its artifacts, the DVC remote, the ZenML server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from dermai.config import Params
from dermai.doctor.finding import Finding, ok, problem, warning
from dermai.errors import DermaiError
from dermai.registry.mlflow_store import address, answering, sqlite_file
from dermai.workspace import Workspace

if TYPE_CHECKING:
    from requests import Response

    from dermai.registry.registry import Registry

SECONDS = 5.0  # that a server has to answer in


def ask(url: str, **arguments: Any) -> Response | None:
    """A server's answer; None where it gives none in time."""
    import requests

    try:
        return requests.request(arguments.pop("method", "GET"), url, timeout=SECONDS, **arguments)
    except requests.RequestException:
        return None


def server_addresses(workspace: Workspace) -> list[str]:
    """The HTTP services in use: they also tell the time."""
    servers = [workspace.tracking_uri, zenml_server()]
    return [server for server in servers if urlsplit(server).scheme in {"http", "https"}]


def zenml_settings() -> dict[str, Any]:
    """What ZenML's client keeps in its configuration folder."""
    import click

    folder = Path(os.environ.get("ZENML_CONFIG_PATH") or click.get_app_dir("zenml"))
    try:
        return yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")) or {}
    except OSError:
        return {}


def zenml_server() -> str:
    """Address of the ZenML server that the client is connected to; empty where it works on its own."""
    named = os.environ.get("ZENML_STORE_URL") or (zenml_settings().get("store") or {}).get("url", "")
    return str(named).rstrip("/") if urlsplit(str(named)).scheme in {"http", "https"} else ""


def check_registry(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """The registry can be read, and so can the files of the models in it."""
    uri = workspace.tracking_uri
    file = sqlite_file(uri)
    if file and not file.exists():
        yield ok("registry", f"a local one will be made on first use: {file}")
        return
    if urlsplit(uri).scheme in {"http", "https"}:
        answer = _version_of_server(uri)
        if answer is None:
            yield problem(
                "registry", f"the MLflow server {address(uri)} does not answer", "start it, or fix its address"
            )
            return
        theirs, ours = answer.text.strip()[:20], metadata.version("mlflow")
        if theirs.split(".")[:2] != ours.split(".")[:2]:
            yield warning("registry", f"the MLflow server is {theirs}, this client {ours}", "run the same on both")
    try:
        yield from _registry_contents(workspace, params)
    except DermaiError as error:
        yield problem("registry", str(error), "start the server, its database and its artifact store")


def registry_answers(workspace: Workspace) -> bool:
    """Whether the registry is local, or its server answers."""
    uri = workspace.tracking_uri
    return urlsplit(uri).scheme not in {"http", "https"} or _version_of_server(uri) is not None


def _version_of_server(uri: str) -> Response | None:
    """What an MLflow server answers when asked for its version; None where it does not, or says that it cannot."""
    answer = ask(f"{uri.rstrip('/')}/version")
    return None if answer is None or answer.status_code >= 500 else answer


def _registry_contents(workspace: Workspace, params: Params) -> Iterator[Finding]:
    from dermai.registry.registry import Registry
    from dermai.registry.versions import CHAMPION

    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    registry = Registry(workspace, params)
    versions = registry.versions()
    where = address(workspace.tracking_uri)
    if workspace.tracking_uri.startswith("http"):
        _list_artifacts(registry)
    champion = next((known for known in versions if CHAMPION in known.aliases), None)
    if champion is None:
        yield ok("registry", f"{where} answers, and so does its artifact store; {len(versions)} versions, no champion")
        return
    registry.download(champion.version)
    yield ok("registry", f"{where} answers; the champion, version {champion.version}, is the one that was registered")


def _list_artifacts(registry: Registry) -> None:
    """Proof that the artifact store behind the server answers."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with answering(registry.workspace.tracking_uri):
        experiments = registry.client.search_experiments(max_results=1)
        if experiments:
            get_artifact_repository(experiments[0].artifact_location).list_artifacts()


def check_data_remote(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """The remote that `dvc pull` and `dvc push` use by default can be listed."""
    if not (workspace.root / ".dvc").is_dir():
        yield warning("data remote", "this is no DVC repository", "run `dvc init`, or work in a clone")
        return
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    with Repo(str(workspace.root)) as repository:
        name = repository.config["core"].get("remote")
        if not name:
            yield warning("data remote", "DVC has no default remote", "dvc remote add --default NAME ADDRESS")
            return
        try:
            remote = repository.cloud.get_remote_odb(name)
            where = f"{name} ({remote.fs.unstrip_protocol(remote.path)})"
            if remote.fs.protocol == "s3":
                remote.fs.ls(remote.path.split("/")[0])
            elif not remote.fs.exists(remote.path):
                raise FileNotFoundError(f"{remote.path} does not exist")
        except (DvcException, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            fix = "start the store, fix its address or its credentials: `dvc remote list`, docs/operations.md"
            yield problem("data remote", f"the DVC remote {name} cannot be listed: {reason}", fix)
            return
    yield ok("data remote", f"{where} can be listed")


def check_zenml_server(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """The server answers, is of this client's version, and takes the credentials of the environment."""
    server = zenml_server()
    if not server:
        yield ok("ZenML server", "none: runs are kept on this machine")
        return
    answer = ask(f"{server}/api/v1/info")
    if answer is None or answer.status_code != 200:
        yield problem("ZenML server", f"{server} does not answer", "start it, or fix ZENML_STORE_URL")
        return
    theirs, ours = str(answer.json().get("version")), metadata.version("zenml")
    if theirs != ours:
        yield problem("ZenML server", f"{server} is version {theirs}, this client {ours}", "run the same on both")
        return
    key, user = os.environ.get("ZENML_STORE_API_KEY"), os.environ.get("ZENML_STORE_USERNAME")
    form = {"grant_type": "zenml-api-key", "password": key} if key else {
        "grant_type": "password", "username": user, "password": os.environ.get("ZENML_STORE_PASSWORD", "")
    }  # fmt: skip
    if key or user:
        login = ask(f"{server}/api/v1/login", method="POST", data=form)
        if login is None or login.status_code != 200:
            fix = "fix ZENML_STORE_API_KEY: `zenml service-account api-key create`"
            yield problem("ZenML server", f"{server} does not take the credentials", fix)
            return
    yield ok("ZenML server", f"{server}, version {theirs}")
