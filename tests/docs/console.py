"""The console blocks of the guides: commands after `$`, what they print on the other lines."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^(?P<indent> *)```console\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """The commands of one block of a page, in order, without comments."""

    page: str
    commands: tuple[str, ...]

    @property
    def name(self) -> str:
        """Page and first command, which tell a block from all others."""
        return f"{self.page}: {self.commands[0]}"


def blocks_of(file: Path, repository: Path) -> list[Block]:
    """Every console block of a Markdown file."""
    page = file.relative_to(repository).as_posix()
    found = []
    for match in BLOCK.finditer(file.read_text(encoding="utf-8")):
        joined = re.sub(r"\s*\\\n\s*", " ", textwrap.dedent(match["text"]))
        lines = [line[2:] for line in joined.splitlines() if line.startswith("$ ")]
        commands = tuple(re.sub(r"\s+# .*$", "", line).strip() for line in lines)
        found.append(Block(page, commands))
    return found
