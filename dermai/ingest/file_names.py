"""A file that a table names: found inside its folder however the name is spelt, never over a link."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

from dermai.ingest.unusable import UnusablePhotograph


def locate(folder: Path, file: str) -> Path:
    """The path of a file that a table names, which must lie inside the folder and be no link.

    Another Unicode form of the same name (a Mac's), another letter case and the backslashes of Windows are forgiven
    where they lead to one file.

    Raises:
        UnusablePhotograph: the name leads out of the folder, over a link, to nothing, or to several files.
    """
    if not file or "\0" in file:
        raise UnusablePhotograph("no file is named", "fill in the file's path relative to the folder")
    name = PurePosixPath(file)
    if "\\" in file and not os.path.lexists(folder / name):
        name = PurePosixPath(file.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or re.match(r"[A-Za-z]:", str(name)):
        raise UnusablePhotograph("the path leaves the folder", "name a file inside the folder, relative to it")
    path = folder
    for part in name.parts:
        path = path / _entry(path, part)
        try:
            mode = path.lstat().st_mode
        except (OSError, ValueError):  # not there, no permission, or a name that no file can have
            raise UnusablePhotograph("the file is missing", "add the file, or take its row out") from None
        if stat.S_ISLNK(mode):
            raise UnusablePhotograph("the path goes over a symbolic link", "put the file itself into the folder")
    if not path.is_file():
        raise UnusablePhotograph("the path is not a file", "name a photograph")
    return path


def _entry(folder: Path, name: str) -> str:
    """The folder's entry of this name, else the only one that is spelt alike; the name itself where there is none."""
    if os.path.lexists(folder / name):
        return name
    try:
        alike = _entries(str(folder), folder.stat().st_mtime_ns)
    except OSError:
        return name
    for form in (_composed, _folded):
        found = alike.get(form(name), ())
        if len(found) > 1:
            which = " and ".join(map(repr, found))
            raise UnusablePhotograph(f"several files are called so: {which}", "rename them, or name one exactly")
        if found:
            return found[0]
    return name


def _composed(name: str) -> str:
    return "=" + unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return "~" + unicodedata.normalize("NFC", name).casefold()


@lru_cache(maxsize=64)
def _entries(folder: str, changed: int) -> Mapping[str, tuple[str, ...]]:
    """A folder's entries by both forms of their names; `changed` is when it last did."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(path.name for path in Path(folder).iterdir()):
        for form in (_composed, _folded):
            found[form(name)].append(name)
    return {form: tuple(names) for form, names in found.items()}
