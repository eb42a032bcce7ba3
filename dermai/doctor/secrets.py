"""Find secrets where they must not be: in the repository, the logs, the reports and the records.

`make secrets` runs it. detect-secrets looks for known forms of keys and tokens; the very bytes of this machine's keys
are looked for, too.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dermai.workspace import Workspace

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

# What detect-secrets finds, in our words: module, detector.
DETECTORS = {
    "a private key": ("private_key", "PrivateKeyDetector"),
    "an AWS access key": ("aws", "AWSKeyDetector"),
    "an Azure storage key": ("azure_storage_key", "AzureStorageKeyDetector"),
    "a GitHub token": ("github_token", "GitHubTokenDetector"),
    "a GitLab token": ("gitlab_token", "GitLabTokenDetector"),
    "a PyPI token": ("pypi_token", "PypiTokenDetector"),
    "a Slack token": ("slack", "SlackDetector"),
    "a password in an address": ("basic_auth", "BasicAuthDetector"),
}
# What it does not know.
FORMS = {
    "a private key": r"-----BEGIN ENCRYPTED PRIVATE KEY-----\s*[A-Za-z0-9+/]{16}",
    "an AWS secret key": r"(?i:aws_?secret_?(?:access_?)?key)['\"]?\s*[=:]\s*['\"]?[A-Za-z0-9/+]{40}\b",
    "a GitHub token": r"\bgithub_pat_[A-Za-z0-9_]{60,}\b",
    "a ZenML key": r"\bZENKEY_[A-Za-z0-9+/=]{30,}",
    "a Google key": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "a signed web token": r"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",  # cut off, too
    "a model hub token": r"\bhf_[A-Za-z0-9]{34}\b",
}
PLACEHOLDER = re.compile(r"[${}<>]")  # such as ${POSTGRES_PASSWORD}, in the place of a password
VARIABLES = ("AWS_SECRET_ACCESS_KEY", "ZENML_STORE_API_KEY", "ZENML_STORE_PASSWORD", "MLFLOW_TRACKING_PASSWORD",
             "MLFLOW_TRACKING_TOKEN", "DERMAI_SMTP_PASSWORD", "DERMAI_ALERT_WEBHOOK", "DERMAI_ALERT_URLS",
             "DERMAI_DATABASE_URL", "DERMAI_OIDC_CLIENT_SECRET", "PGPASSWORD")  # fmt: skip
SHORTEST = 12  # characters; a shorter value would be found everywhere
LARGEST = 64 * 2**20  # bytes; a larger file is no text


@dataclass(frozen=True)
class Leak:
    """A secret in a file, without the secret."""

    file: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def live_secrets() -> dict[str, bytes]:
    """This machine's own secrets, by what they are."""
    from dermai.audit.key import key_file as audit_key_file
    from dermai.data.pseudonyms import key_file as pseudonym_key_file

    found = {f"the value of {name}": os.environ.get(name, "").encode() for name in VARIABLES}
    if pseudonym_key_file().is_file():
        found["this machine's pseudonym key"] = pseudonym_key_file().read_bytes().strip()
    if audit_key_file().is_file():
        lines = audit_key_file().read_bytes().strip().splitlines()
        found["this machine's audit key"] = lines[1] if len(lines) == 3 else b""
    return {name: value for name, value in found.items() if len(value) >= SHORTEST}


def find_secrets(files: Iterable[Path], live: dict[str, bytes] | None = None) -> Iterator[Leak]:
    """Secrets in files; what is no file, or too large to be text, is passed over."""
    live = live_secrets() if live is None else live
    for file in files:
        if not file.is_file() or file.is_symlink() or file.stat().st_size > LARGEST:
            continue
        content = file.read_bytes()
        text = content.decode("latin-1")  # any bytes, each one character
        for place, what in sorted({*_detected(text), *_of_other_forms(text)}):
            yield Leak(file, text.count("\n", 0, place) + 1, what)
        for name, value in live.items():
            place = content.find(value)
            if place >= 0:
                yield Leak(file, content.count(b"\n", 0, place) + 1, name)


def _detected(text: str) -> Iterator[tuple[int, str]]:
    """Where detect-secrets finds what. Its detectors look at the text alone: nothing is verified over a network."""
    for what, detector in _detectors().items():
        for secret in detector.analyze_string(text):
            if what != "a password in an address" or (len(secret) >= SHORTEST and not PLACEHOLDER.search(secret)):
                yield text.find(secret), what


@functools.cache
def _detectors() -> dict[str, BasePlugin]:
    return {
        what: getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)()
        for what, (module, name) in DETECTORS.items()
    }


def _of_other_forms(text: str) -> Iterator[tuple[int, str]]:
    for what, form in FORMS.items():
        for found in re.finditer(form, text):
            yield found.start(), what


def scanned_files(workspace: Workspace) -> list[Path]:
    """What git tracks or would track, the records, the reports, and logs."""
    command = ["git", "-C", str(workspace.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False).stdout.decode()
    files = {workspace.root / name for name in filter(None, listed.split("\0"))}
    for folder in (workspace.reports, workspace.state / "audit", workspace.quarantine):
        files.update(folder.rglob("*"))
    files.update(workspace.root.glob("*.log"))
    return sorted(files)


def main(arguments: Sequence[str]) -> int:
    """Scan the workspace, or the files and folders that are named; print what is found."""
    from dermai.workspace import find_workspace

    files = [path for name in arguments for path in (Path(name), *Path(name).rglob("*"))]
    files = files or scanned_files(find_workspace())
    leaks = list(find_secrets(files))
    for leak in leaks:
        print(leak, file=sys.stderr)
    print(f"{len(files)} files, {len(leaks)} secrets")
    if leaks:
        print("take them out of the files and of git's history, and change them: they count as known", file=sys.stderr)
    return 1 if leaks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
