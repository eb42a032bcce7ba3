"""What lies inside a file: members of archives, cells of tables, pictures in pages, JPEG files in anything."""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import io
import lzma
import re
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

PICTURE_IN_A_PAGE = re.compile(rb"data:image/[a-z+]+;base64,([A-Za-z0-9+/=]+)")
JPEG_BEGINS, JPEG_ENDS = b"\xff\xd8\xff", b"\xff\xd9"
SQLITE, PARQUET, ARROW = b"SQLite format 3\0", b"PAR1", b"ARROW1"
ZIPPED, GZIPPED, BZIPPED, XZIPPED = b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
DEEPEST = 5  # archives in archives
MOST_ENDS = 8  # of one JPEG that are tried: its header may hold the mark too


def begins_with(file: Path, form: bytes) -> bool:
    """Whether a file is of a form, by its first bytes."""
    with file.open("rb") as stream:
        return stream.read(len(form)) == form


def inner_contents(content: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Everything inside some bytes that a plain search of them would not see, each with its place.

    A damaged archive gives what can be read of it.
    """
    if depth > DEEPEST:
        return
    for place, inner in _members(content):
        yield place, inner
        for deeper, content_of_it in inner_contents(inner, depth + 1):
            yield f"{place}, {deeper}", content_of_it
    for number, found in enumerate(PICTURE_IN_A_PAGE.finditer(content), 1):
        try:
            yield f"picture {number}", base64.b64decode(found[1])
        except binascii.Error:
            continue


def jpegs_within(content: bytes) -> Iterator[bytes]:
    """Every JPEG file that stands in some bytes, wherever it begins; the whole bytes are not among them."""
    begin = content.find(JPEG_BEGINS, 1)
    while begin >= 0:
        following = content.find(JPEG_BEGINS, begin + 3)
        end = begin
        for _ in range(MOST_ENDS):
            end = content.find(JPEG_ENDS, end + 2)
            if end < 0 or 0 < following < end:  # stored photographs hold no other picture
                break
            yield content[begin : end + 2]
        begin = following


def rows_of_database(file: Path) -> Iterator[tuple[str, bytes]]:
    """Every row of an SQLite file that may be in use, as its table's name and its cells, one after the other.

    Nothing is written beside one that nobody uses, such as a backup's.
    """
    used = file.with_name(f"{file.name}-wal").exists()
    address = f"{file.absolute().as_uri()}?{'mode=ro' if used else 'immutable=1'}"
    with closing(sqlite3.connect(address, uri=True, timeout=60)) as store:
        yield from _rows(store)


def _rows(store: sqlite3.Connection) -> Iterator[tuple[str, bytes]]:
    try:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            for row in store.execute(f'SELECT * FROM "{quoted}"'):
                yield f"table {table}", b"\n".join(_cell(cell) for cell in row)
    except sqlite3.DatabaseError:
        return


def _cell(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode(errors="surrogateescape")


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content.startswith(ZIPPED):
        yield from _zipped(content)
    elif content.startswith((GZIPPED, BZIPPED, XZIPPED)):
        opened = {GZIPPED[:2]: gzip.decompress, BZIPPED[:2]: bz2.decompress, XZIPPED[:2]: lzma.decompress}
        try:
            yield "unpacked", opened[content[:2]](content)
        except (OSError, EOFError, lzma.LZMAError, zlib.error):
            return
    elif content[257:262] == b"ustar":
        yield from _tarred(content)
    elif content.startswith(SQLITE):
        with closing(sqlite3.connect(":memory:")) as store:
            store.deserialize(content[:18] + b"\1\1" + content[20:])  # not in the mode with a log beside it
            yield from _rows(store)
    elif content.startswith((PARQUET, ARROW)):
        yield from _cells(content)


def _zipped(content: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError):
        return


def _tarred(content: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is not None:
                    yield member.name, stream.read()
    except tarfile.TarError:
        return


def _cells(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The text and byte columns of a Parquet or Arrow file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pa.BufferReader(content)
        table = pq.read_table(source) if content.startswith(PARQUET) else pa.ipc.open_file(source).read_all()
    except (pa.ArrowException, OSError):
        return
    for name in table.column_names:
        if not pa.types.is_floating(table[name].type) and not pa.types.is_fixed_size_list(table[name].type):
            yield f"column {name}", b"\n".join(_cell(cell) for cell in table[name].to_pylist() if cell is not None)
