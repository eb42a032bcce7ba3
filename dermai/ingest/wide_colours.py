"""Colour profiles for the colour spaces that a HEIC or AVIF file names by a number instead of by a profile."""

from __future__ import annotations

import struct
from collections.abc import Sequence

# Red, green and blue of each space in XYZ, adapted to D50, by its number in ITU-T H.273
COLOURS = {
    9: ((0.67348, 0.27904, -0.00194), (0.16566, 0.67534, 0.02998), (0.12505, 0.04561, 0.79686)),  # BT.2020
    12: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),  # Display P3
}
LIKE_SRGB = (1, 2, 5, 6)  # BT.709, which sRGB shares; not said; BT.601, whose colours hardly differ
WHITE = (0.96420, 1.0, 0.82491)  # D50
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile_of(primaries: int) -> bytes | None:
    """An ICC profile (version 4, matrix and curve) of a space with sRGB's curve; None where it is like sRGB.

    Raises:
        KeyError: a space that is not known here.
    """
    if primaries in LIKE_SRGB:
        return None
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(SRGB_CURVE)
    tags = {b"wtpt": _xyz(WHITE), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    tags |= dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, COLOURS[primaries]), strict=True))
    table, content = struct.pack(">I", len(tags)), b""
    first = 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", first + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI", first + len(content), 0x04300000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    head = head.ljust(68, b"\0") + _fixed(WHITE)
    return head.ljust(128, b"\0") + table + content


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: Sequence[float]) -> bytes:
    """As the signed 15.16 numbers of ICC profiles."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
