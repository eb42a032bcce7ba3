"""What the container of a HEIC or AVIF file says of its picture, read from its boxes (ISO/IEC 14496-12 and 23008-12).

The decoders apply all of it but the colours, which they do not all report.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

LARGEST_DESCRIPTION = 16 * 2**20  # bytes of the box `meta`; a phone's has a few thousand
FULL_BOX = 4  # bytes of version and flags before the content of some boxes
HIDDEN_TYPES = ("Exif", "mime", "uri ")  # items that are no pictures


@dataclass(frozen=True)
class PrimaryPicture:
    """The picture that a viewer shows: how it and its parts are coded, such as `hvc1`, and its properties by name."""

    codecs: frozenset[str] = frozenset()
    properties: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def colours(self) -> tuple[int, int] | None:
        """Colour primaries and transfer function by their numbers in ITU-T H.273; None where a profile has them."""
        for content in self.properties.get("colr", ()):
            if content[:4] == b"nclx" and len(content) >= 8:
                primaries, transfer = struct.unpack(">HH", content[4:8])
                return primaries, transfer
        return None

    @property
    def bits(self) -> int:
        """Bits of a value; 0 where it is not said."""
        for content in self.properties.get("pixi", ()):
            if len(content) > FULL_BOX + 1:
                return content[FULL_BOX + 1]
        return 0


def brands(first: bytes) -> tuple[bytes, ...]:
    """The brands in the first bytes of a file, the major one first; none where it is no such container.

    >>> brands(b"\\0\\0\\0\\x18ftypheic\\0\\0\\0\\0mif1heic")
    (b'heic', b'mif1', b'heic')
    """
    if first[4:8] != b"ftyp":
        return ()
    end = min(len(first), int.from_bytes(first[:4], "big"))
    return (first[8:12], *(first[place : place + 4] for place in range(16, end - 3, 4)))


def primary_picture(path: Path) -> PrimaryPicture:
    """What the boxes say; nothing where they cannot be read, which the decoder then says in its own words."""
    try:
        with path.open("rb") as stream:
            return _described(_description(stream))
    except (struct.error, IndexError, UnicodeDecodeError, ValueError):
        return PrimaryPicture()


def _description(stream: BinaryIO) -> bytes:
    """The content of the top box `meta`."""
    while header := stream.read(8):
        size, kind = struct.unpack(">I4s", header)
        read = 8
        if size == 1:
            size, read = struct.unpack(">Q", stream.read(8))[0], 16
        if kind == b"meta":
            if not read <= size <= LARGEST_DESCRIPTION:
                raise ValueError
            return stream.read(size - read)[FULL_BOX:]
        if size < read:
            raise ValueError
        stream.seek(size - read, 1)
    raise ValueError


def _described(content: bytes) -> PrimaryPicture:
    boxes = dict(_boxes(content))
    primary = _number(boxes["pitm"], FULL_BOX, 2 if boxes["pitm"][0] == 0 else 4) if "pitm" in boxes else 0
    codecs = frozenset(kind for kind in _item_types(boxes.get("iinf", b"")) if kind not in HIDDEN_TYPES)
    together = list(_boxes(boxes.get("iprp", b"")))
    known = [each for kind, container in together if kind == "ipco" for each in _boxes(container)]
    found: dict[str, list[bytes]] = {}
    for kind, associations in together:
        if kind == "ipma":
            for place in _associated(associations, primary):
                name, property_content = known[place - 1]
                found.setdefault(name, []).append(property_content)
    return PrimaryPicture(codecs, found)


def _boxes(content: bytes) -> Iterator[tuple[str, bytes]]:
    place = 0
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        size = size or len(content) - place
        if size < 8:
            raise ValueError
        yield kind.decode("latin-1"), content[place + 8 : place + size]
        place += size


def _item_types(content: bytes) -> Iterator[str]:
    if content:
        first = FULL_BOX + (2 if content[0] == 0 else 4)
        for kind, item in _boxes(content[first:]):
            if kind == "infe" and item[0] >= 2:
                place = FULL_BOX + (2 if item[0] == 2 else 4) + 2
                yield item[place : place + 4].decode("latin-1")


def _associated(content: bytes, item: int) -> Iterator[int]:
    """The places, from 1 on, of the properties of one item."""
    wide, large = content[0] >= 1, content[3] & 1
    place = FULL_BOX + 4
    for _ in range(_number(content, FULL_BOX, 4)):
        found = _number(content, place, 4 if wide else 2)
        place += 4 if wide else 2
        count = content[place]
        place += 1
        for _ in range(count):
            number = _number(content, place, 2) & 0x7FFF if large else content[place] & 0x7F
            place += 2 if large else 1
            if found == item and number:
                yield number


def _number(content: bytes, place: int, size: int) -> int:
    if place + size > len(content):
        raise IndexError
    return int.from_bytes(content[place : place + size], "big")
