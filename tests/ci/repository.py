"""A git repository of a few lines of text."""

from __future__ import annotations

import subprocess
from pathlib import Path

from dermai.workspace import Workspace


class Repository:
    """Commits that change named files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = Workspace(root)
        root.mkdir(exist_ok=True)
        self.git("init", "--quiet")
        self.start = self.commit("data.dvc", "params.yaml", "README.md")

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=A test", "-c", "user.email=test@localhost"]
        command = ["git", "-C", str(self.root), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, *names: str) -> str:
        for name in names:
            file = self.root / name
            file.write_text(f"{file.read_text() if file.exists() else ''}more\n")
        self.git("add", *names)
        self.git("commit", "--quiet", "-m", "Change")
        return self.git("rev-parse", "HEAD")
