"""Arrays of one shape in one memory-mapped file, found by key and only ever appended to."""

from __future__ import annotations

import os
import re
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from dermai.errors import DermaiError
from dermai.files import locked

_LINE = re.compile(r"(\S+) ([0-9a-f]{8})\n")


class DamagedCache(DermaiError):
    """A cache file was changed by something else."""


class RecordFile:
    """Records of one shape and dtype in `<path>.data`, their keys and checksums in `<path>.index`.

    A record counts only once its index line is on disk, which is written after the record itself. A process that
    dies in between leaves bytes behind the last indexed record; the next append overwrites them. Several
    processes may append: each holds the lock while it does. The files may be deleted at any time between runs.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str) -> None:
        self.path = path
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.record_bytes = int(np.prod(shape)) * self.dtype.itemsize
        self._slots: dict[str, tuple[int, int]] = {}  # key -> position, checksum
        self._map = np.empty((0, *shape), self.dtype)
        self.refresh()

    @property
    def data_file(self) -> Path:
        return self.path.with_name(self.path.name + ".data")

    @property
    def index_file(self) -> Path:
        return self.path.with_name(self.path.name + ".index")

    @property
    def lock_file(self) -> Path:
        return self.path.with_name(self.path.name + ".lock")

    def __contains__(self, key: str) -> bool:
        return key in self._slots

    def __len__(self) -> int:
        return len(self._slots)

    def missing(self, keys: Iterable[str]) -> list[str]:
        """The keys without a record, each once, in order."""
        return [key for key in dict.fromkeys(keys) if key not in self._slots]

    def refresh(self) -> int:
        """Read the index again, as other processes may have appended; returns its valid length in bytes."""
        text = self.index_file.read_bytes().decode("ascii", "replace") if self.index_file.is_file() else ""
        stored = self.data_file.stat().st_size // self.record_bytes if self.data_file.is_file() else 0
        self._slots, end = {}, 0
        for slot, line in enumerate(text.splitlines(keepends=True)):
            found = _LINE.fullmatch(line)
            if found is None or slot >= stored:
                break  # torn by a crash: this record and what follows is written again
            self._slots[found[1]] = slot, int(found[2], 16)
            end += len(line)
        shape = (len(self._slots), *self.shape)
        self._map = np.memmap(self.data_file, self.dtype, "r", shape=shape) if end else np.empty(shape, self.dtype)
        return end

    def append(self, keys: Sequence[str], records: np.ndarray) -> None:
        """Add records `[N, *shape]`; keys that another process added in the meantime keep their record."""
        with locked(self.lock_file):
            end = self.refresh()
            fresh = [position for position, key in enumerate(keys) if key not in self._slots]
            if not fresh:
                return
            content = np.ascontiguousarray(records[fresh], dtype=self.dtype)
            with self.data_file.open("r+b" if self.data_file.exists() else "w+b") as stream:
                stream.seek(len(self._slots) * self.record_bytes)
                stream.write(content.tobytes())
                stream.flush()
                os.fsync(stream.fileno())
            lines = "".join(
                f"{keys[position]} {zlib.crc32(record.data):08x}\n"
                for position, record in zip(fresh, content, strict=True)
            )
            with self.index_file.open("r+b" if self.index_file.exists() else "w+b") as stream:
                stream.truncate(end)
                stream.seek(end)
                stream.write(lines.encode("ascii"))
                stream.flush()
                os.fsync(stream.fileno())
            self.refresh()

    def read(self, keys: Sequence[str]) -> np.ndarray:
        """A copy of the records of these keys, `[N, *shape]`.

        Raises:
            KeyError: a key has no record.
            DamagedCache: a record's bytes do not match their checksum.
        """
        found = [self._slots[key] for key in keys]
        records = np.array(self._map[[slot for slot, _ in found]])
        for record, (_, checksum) in zip(records, found, strict=True):
            if zlib.crc32(record.data) != checksum:
                raise DamagedCache(f"{self.data_file} is damaged: delete it, it is only a cache")
        return records

    def forget(self, keys: Iterable[str]) -> None:
        """Remove the records of these keys from the disk: the file is written anew without them."""
        with locked(self.lock_file):
            self.refresh()
            gone = set(keys) & set(self._slots)
            if not gone:
                return
            kept = [key for key in self._slots if key not in gone]
            descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            with os.fdopen(descriptor, "wb") as stream:
                for key in kept:
                    stream.write(self.read([key]).tobytes())
                stream.flush()
                os.fsync(stream.fileno())
            lines = "".join(f"{key} {self._slots[key][1]:08x}\n" for key in kept)
            self.index_file.unlink()  # dying here loses the cache, never pairs a key with another's record
            Path(temporary).replace(self.data_file)
            self.index_file.write_bytes(lines.encode("ascii"))
            self.refresh()
