"""HEIC and AVIF files of a drawn picture, their boxes put together here so that each can be odd in one way.

`PICTURE` was coded once by pillow-heif 1.8.1 (x265, quality 55): `tests.ingest.deliveries.draw(1)`, 96 x 80 px.
"""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Sequence

from PIL import Image

WIDTH, HEIGHT = 96, 80
SRGB = struct.pack(">4sHHHB", b"nclx", 1, 13, 6, 0x80)  # BT.709, sRGB's curve, BT.601's matrix, full range
P3 = struct.pack(">4sHHHB", b"nclx", 12, 13, 6, 0x80)
PQ = struct.pack(">4sHHHB", b"nclx", 9, 16, 6, 0x80)
HVCC_8 = base64.b64decode(
    "AQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoDCBRZbqSSmu"
    "bgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQA=="
)
PICTURE_8 = base64.b64decode(
    "AAACNSgBrx+AbDGqAvXpMh5/5pgkIDUBP4z4wKB6k4NfJOLlq1h6F1KAMadRXCYSKnLyHHKH4pnZq9WQItZvMlj2Es/j4e1NLDFk0PXUt/AQ/VPD"
    "GCyC2pla1aK7y276VG+nW5XMofyqoPQcfJifrzw0ghI1CFtbfaJn+Pw/Qkvmd1HoFw0btUw2Rx6hVtx5/1bhpJZJLVY52CQrlpA+A7NJyENK3n+D"
    "ekCD86UJ8KIX1EAEdoxMrbCm7yeTRMBxf0B8iFefS9+8+x9bhU060XHO+9IPRzp6CFE3kgZiUxEbwDi9oyuUXcC9dPBdFUAPrAfYGJhgfOGpBdGS"
    "rVdsM9NTlkmQQE4lLiQgzYtpDmhE/SrrFXOqAwkrUwsq1pn32EQjb+bH43zG/wPOL2TMjUWkFpwrra4CNzqUEtjYs7xG3t4nDValCoXxyt/EXxi4"
    "3TUazES4raEBy4tZQ1imZIdU11VrqtblwDkmIl/JOqbX83N7SiiRl7IDIuv+NWNMJe3OIPpGpJ+uaqA3xghmd3TNMZfA6MlZY1YcDCNI3P5NtrN/"
    "hM3vi4JXPoAJaEyg17d6WMXiRDrVugkgfSYa7ZAP2hvkTyYomzIvrnHo66yf2h1BJT7Kp+0w1aTPbCfFdjxExUw6UGRrWP6rIPj6cJB5Q6kfdYHs"
    "+f3mIm9LXn0WLN8rr7hed4NqsLS6az8OMMsvdRpMi+KRAouLu1O+xClZwzqh7bm2c4UyvcTlInbKJEpvOzxj6uA="
)
HVCC_10 = base64.b64decode(
    "AQQIAAAAnbgAAAAAHvAA/P36+gAADwNgAAEAF0ABDAH//wQIAAADAJ24AAADAAAeugJAYQABAClCAQEECAAAAwCduAAAAwAAHqAwgUTZbqSSmubg"
    "IaDAgAAADIAAAAMAhGIAAQAHRAHBcrAiQA=="
)
PICTURE_10 = base64.b64decode(
    "AAACOigBrx+A36oC9ekyNTf9AJhAujV8/ls0ogjUXmm7O4nCYQwgBUbDI+rQIzdJGaC12RsiiXWfpdtr8/96pPu90r9EjNitQgs5+eJDOwUOIop4"
    "RUyvScD2ckTt54CLbUopu0B4UXYHMFY4AQsHfJ3Ews610RGWmJlx3wuXpSER/kxuAdx1J/FYayo9Qi8E/7PFYKaHBU+6WSS1XMf4r9J4Qg25Hyi3"
    "un8NsrT7qLY3H5TlUkoSygPlV5pSXnIkN8pUPITMsVYDYkq9dE2qCFoRdCY/KOBp/nWfW+UCzXOvxTbJR6fITZRS8eKy77ipgx2YiWj3mhS/ySi7"
    "XBtokhtqs7thu7wGvTjSpJqVdfEUxntqAIEZZdThRL7PjNLHXxM9uq7oZZlJsJIpPwMFE9HREOq9uBRSIgZM2PIeBlHnfXZKDzemKEz51fHmm3vl"
    "2MV5BG5onqpNpEA/pNTkbgzNO+eHbsqWbuC9do8qATFdW4dKPweEvzw+OYDSEnJ4RdsE+Vqxb8KcrRmD+Mgm2Zci+zIlZhraLJO9DWdK+Ys70+X4"
    "h4ULIgrMlOqg0WYXSiAGI/NfK00X7m5JpoJJrsQOhed3/FR92O+i62Fu9um3h32YTAeKT4fMKJNiY3sP9JLKSgDFo+x4iYk8fN8W4tAfgFTMqsno"
    "BOje+tzHrKMH/tnqRTYZfGFZn+zDaBlazCF4+UXT6Gm5d6VhMANzr5/VceKySX1rl4V+gW1gTn5B5mqQKC+deqvnUutOvg=="
)


def box(kind: str, *content: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    together = b"".join(content)
    return struct.pack(">I4s", 8 + len(together), kind.encode()) + together


def full_box(kind: str, version: int, *content: bytes) -> bytes:
    """A box with a version and no flags."""
    return box(kind, struct.pack(">I", version << 24), *content)


def heic(
    bits: int = 8,
    *,
    brand: bytes = b"heic",
    codec: str = "hvc1",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    colours: bytes = SRGB,
    turned: Sequence[bytes] = (),
    exif: bytes = b"",
    xmp: bytes = b"",
    grid: tuple[int, int] | None = None,
) -> bytes:
    """A HEIC; `turned` are boxes such as `rotated(1)`, `grid` the rows and columns of copies that make one picture."""
    hvcc, picture = (HVCC_8, PICTURE_8) if bits == 8 else (HVCC_10, PICTURE_10)
    extent = full_box("ispe", 0, struct.pack(">II", *size))
    properties = [
        box("hvcC", hvcc), extent, full_box("pixi", 0, bytes([3, bits, bits, bits])), box("colr", colours), *turned,
    ]  # fmt: skip
    items = [(1, codec, picture, range(1, len(properties) + 1))]
    references, primary = b"", 1
    if grid:
        rows, columns = grid
        tiles = range(1, 1 + rows * columns)
        whole = struct.pack(">II", columns * WIDTH, rows * HEIGHT)
        properties.append(full_box("ispe", 0, whole))
        primary = len(tiles) + 1
        layout = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, columns * WIDTH, rows * HEIGHT)
        items = [(tile, codec, picture, range(1, 5)) for tile in tiles]
        items.append((primary, "grid", layout, (len(properties), 3, 4, *range(5, 5 + len(turned)))))
        references = box("dimg", struct.pack(f">HH{len(tiles)}H", primary, len(tiles), *tiles))
    if exif:
        items.append((len(items) + 1, "Exif", struct.pack(">I", 6) + b"Exif\0\0" + exif, ()))
        references += box("cdsc", struct.pack(">HHH", len(items), 1, primary))
    if xmp:
        items.append((len(items) + 1, "mime", xmp, ()))
        references += box("cdsc", struct.pack(">HHH", len(items), 1, primary))

    def described(first: int) -> bytes:
        places, entries, owned = b"", b"", b""
        place = first
        for number, kind, content, own in items:
            places += struct.pack(">HHHII", number, 0, 1, place, len(content))
            mime = b"application/rdf+xml\0" if kind == "mime" else b""
            entries += full_box("infe", 2, struct.pack(">HH4s", number, 0, kind.encode()), b"\0", mime)
            if own:
                owned += struct.pack(">HB", number, len(own)) + bytes(own)
            place += len(content)
        with_properties = sum(bool(own) for *_, own in items)
        return full_box(
            "meta", 0,
            full_box("hdlr", 0, bytes(4), b"pict", bytes(13)),
            full_box("pitm", 0, struct.pack(">H", primary)),
            full_box("iloc", 0, struct.pack(">BBH", 0x44, 0, len(items)), places),
            full_box("iinf", 0, struct.pack(">H", len(items)), entries),
            box("iprp", box("ipco", *properties), full_box("ipma", 0, struct.pack(">I", with_properties), owned)),
            full_box("iref", 0, references) if references else b"",
        )  # fmt: skip

    kind = box("ftyp", brand, bytes(4), b"mif1", brand)
    first = len(kind) + len(described(0)) + 8
    return kind + described(first) + box("mdat", *(content for _, _, content, _ in items))


def rotated(quarters: int) -> bytes:
    """The property that turns a picture anticlockwise by quarters."""
    return box("irot", bytes([quarters]))


def mirrored(axis: int) -> bytes:
    """The property that mirrors a picture: 0 top to bottom, 1 left to right."""
    return box("imir", bytes([axis]))


def avif(picture: Image.Image, **options: object) -> bytes:
    """An AVIF as Pillow writes it."""
    buffer = io.BytesIO()
    picture.save(buffer, "AVIF", quality=95, subsampling="4:4:4", **options)
    return buffer.getvalue()
