"""Find secrets where they must not be: in the repository, the logs, the reports and the records.

`make secrets` runs it. Known forms of keys and tokens are looked for, and the very bytes of this machine's keys.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dermai.workspace import Workspace

FORMS = {
    "a private key": rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s*[A-Za-z0-9+/]{16}",
    "an AWS access key": rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "an AWS secret key": rb"(?i:aws_?secret_?(?:access_?)?key)['\"]?\s*[=:]\s*['\"]?[A-Za-z0-9/+]{40}\b",
    "a GitHub token": rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b",
    "a GitLab token": rb"\bglpat-[A-Za-z0-9_-]{20,}\b",
    "a ZenML key": rb"\bZENKEY_[A-Za-z0-9+/=]{30,}",
    "a Slack token": rb"\bxox[abprs]-[A-Za-z0-9-]{20,}\b",
    "a Google key": rb"\bAIza[0-9A-Za-z_-]{35}\b",
    "a model hub token": rb"\bhf_[A-Za-z0-9]{34}\b",
    "a signed web token": rb"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "a password in an address": rb"://[^/\s:@'\"]+:[^/\s:@'\"${}<>]{12,}@",
}
KNOWN = re.compile(b"|".join(b"(" + form + b")" for form in FORMS.values()))
VARIABLES = ("AWS_SECRET_ACCESS_KEY", "ZENML_STORE_API_KEY", "ZENML_STORE_PASSWORD", "MLFLOW_TRACKING_PASSWORD",
             "MLFLOW_TRACKING_TOKEN", "DERMAI_SMTP_PASSWORD", "DERMAI_DASHBOARD_TOKEN", "PGPASSWORD")  # fmt: skip
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
    names = list(FORMS)
    for file in files:
        if not file.is_file() or file.is_symlink() or file.stat().st_size > LARGEST:
            continue
        content = file.read_bytes()
        for found in KNOWN.finditer(content):
            yield Leak(file, content.count(b"\n", 0, found.start()) + 1, names[(found.lastindex or 1) - 1])
        for name, value in live.items():
            place = content.find(value)
            if place >= 0:
                yield Leak(file, content.count(b"\n", 0, place) + 1, name)


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
