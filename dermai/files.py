"""Files that are either wholly written or not there: write, fsync, rename; locks; content hashes."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

_UMASK = os.umask(0o077)  # can only be read by setting it; once, before there are threads
os.umask(_UMASK)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, the user's share of it, or the largest file is full
PUBLIC_MODE = 0o666 & ~_UMASK  # of a new file, as the process was told when it began


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file at once: readers see the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(PUBLIC_MODE)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    """Replace a UTF-8 text file at once."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Replace a JSON file at once; keys keep their order."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def create_private(path: Path, content: bytes) -> bool:
    """Make a new file that its owner alone can read; False, and the file untouched, where there is one already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temporary, path)  # unlike a rename it never replaces the file of a process that was faster
    except FileExistsError:
        return False
    finally:
        Path(temporary).unlink()
    sync_folder(path.parent)
    return True


def no_room(error: OSError, where: Path) -> str:
    """Why nothing more could be written, and where: the system names no file where it fails in the middle of one.

    >>> no_room(OSError(errno.ENOSPC, "No space left on device"), Path("data"))
    'the disk is full (data)'
    """
    why = error.strerror if error.errno == errno.EFBIG else "the disk is full"
    return f"{why} ({error.filename or where})"


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_bytes(content: bytes) -> str:
    """Hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_json(content: Any) -> str:
    """Hexadecimal SHA-256 of a value's canonical JSON (sorted keys, no spaces)."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256_bytes(canonical.encode("utf-8"))


@contextmanager
def locked(path: Path, blocking: bool = True) -> Iterator[None]:
    """Hold an exclusive lock between processes; the kernel drops it when the process dies.

    Raises:
        BlockingIOError: another process holds the lock and `blocking` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
        try:
            yield
        finally:
            fcntl.flock(stream, fcntl.LOCK_UN)


@contextmanager
def taking_turns(path: Path, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold an exclusive lock as `locked` does, and write into its file which machine and process do, and since when.

    Where somebody else holds it, `waiting` is told who, and then it is waited for.

    Raises:
        BlockingIOError: somebody else holds it and there is no `waiting`; its text says who.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = path.read_text(encoding="utf-8") or "a process that did not say where"
            if waiting is None:
                raise BlockingIOError(who) from None
            waiting(who)
            fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            since = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            _write_holder(stream, f"{socket.gethostname()}, process {os.getpid()}, since {since}")
            yield
        finally:
            _write_holder(stream, "")
            fcntl.flock(stream, fcntl.LOCK_UN)


def _write_holder(stream: TextIO, text: str) -> None:
    with suppress(OSError):  # the lock holds on a full disk too: then those who wait are not told for whom
        stream.truncate(0)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())  # other machines read it
