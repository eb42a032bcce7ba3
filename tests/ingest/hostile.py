"""Drawn photographs, tables and requests that are damaged or odd in the ways that files of other people are."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from tests.ingest.deliveries import draw
from tests.ingest.dicom_files import dicom
from tests.ingest.heif_files import heic, mirrored, rotated

ODD_CELLS = (
    "", " ", "0", "-1", "99", "999", "1e400", "nan", "=1+1", "1.23457E+11", "é\u0301", "\u202e", "\ud7ff", "true",
    "'", '"', ",", ";", "\t", "a\nb", "a\rb", "\0", "../x", "C:\\x", "x" * 5000, "#N/A", "{case}", "%s", "\ufeff", "١",
)  # fmt: skip
ODD_VALUES = (None, 1, -1e400, True, [], ["x"], {}, {"a": None}, "", "data:,", "data:image/png;base64,", "====", "é")
FORMATS = (
    ("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("TIFF", "tif"), ("BMP", "bmp"), ("GIF", "gif"),
    ("AVIF", "avif"), ("HEIC", "heic"), ("DICOM", "dcm"),
)  # fmt: skip
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit, JPEG2000Lossless, RLELossless)


def photograph(draws: random.Random) -> bytes:
    """A sound photograph in one of the forms that are read, or in one that is not."""
    picture = draw(draws.randrange(50), draws.choice((8, 96, 120)), draws.choice((1, 64, 80)))
    kind, _ = draws.choice(FORMATS)
    mode = draws.choice(("RGB", "L", "P", "RGBA", "CMYK", "1", "LA", "I;16", "F", "I"))
    if kind == "HEIC":
        turned = draws.choice(((), (rotated(draws.randrange(4)),), (mirrored(draws.randrange(2)),)))
        return heic(draws.choice((8, 10)), turned=turned, grid=draws.choice((None, (1, 2), (2, 2))))
    if kind == "DICOM":
        return dicom(picture.convert(draws.choice(("RGB", "L"))), draws.choice(SYNTAXES))
    buffer = io.BytesIO()
    try:
        if mode == "I;16":
            values = np.asarray(picture.convert("L")).astype(np.uint16) * draws.choice((1, 16, 257))
            Image.fromarray(values).save(buffer, kind)
        else:
            exif = Image.Exif()
            exif[0x0112] = draws.randrange(10)
            picture.convert(mode).save(buffer, kind, exif=exif)
    except (OSError, ValueError, KeyError):
        picture.save(buffer, "JPEG")
    return buffer.getvalue()


def damaged(content: bytes, draws: random.Random) -> bytes:
    """The same with bytes changed, cut, doubled or moved; now and then as it was."""
    changed = bytearray(content)
    for _ in range(draws.choice((0, 1, 1, 3, 20))):
        place = draws.randrange(max(1, min(len(changed), draws.choice((64, 600, 10**6)))))
        what = draws.randrange(4)
        if what == 0 and changed:
            changed[place % len(changed)] = draws.choice((0, 255, draws.randrange(256)))
        elif what == 1:
            del changed[place : place + draws.randrange(1, 200)]
        elif what == 2:
            changed[place:place] = draws.randbytes(draws.randrange(1, 9))
        else:
            changed[place:place] = changed[: draws.randrange(1, 200)]
    return bytes(changed)


def odd_table(draws: random.Random, columns: Sequence[str], usual: Sequence[Mapping[str, str]]) -> bytes:
    """A table with some of the `usual` rows and odd cells, columns, quotes, delimiters and encodings."""
    names = [*columns]
    for name in draws.sample(names, min(len(names) - 1, draws.choice((0, 0, 0, 1, 3)))):
        names.remove(name)
    if draws.random() < 0.1:
        names.insert(draws.randrange(len(names) + 1), draws.choice((*columns, "", "weight", "Age")))
    rows = []
    for number in range(draws.randrange(5)):
        cells = [usual[number % len(usual)].get(name, "") for name in names]
        for _ in range(draws.choice((0, 0, 1, 3))):
            cells[draws.randrange(len(cells))] = draws.choice(ODD_CELLS)
        rows.append(cells[: draws.choice((len(cells), len(cells), len(cells), 2))] + [""] * draws.choice((0, 0, 0, 2)))
    text = io.StringIO()
    delimiter, quoting = draws.choice(",,;\t|"), draws.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    ending = draws.choice(("\n", "\r\n", "\r"))
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=ending).writerows([names, *rows])
    encoding = draws.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"))
    content = text.getvalue().encode(encoding, "replace")
    return damaged(content, draws) if draws.random() < 0.3 else content


def odd_request(draws: random.Random, text: str) -> tuple[bytes, str]:
    """A request to a served model about a photograph (base64) and odd values beside it, and its content type."""
    records: list[dict[str, Any]] = [{"photograph": text}]
    if draws.random() < 0.5:
        records[0][draws.choice(("age", "sex", "site", "itch", "", "photograph"))] = draws.choice(ODD_VALUES)
    if draws.random() < 0.2:
        records.append({draws.choice(("photograph", "age")): draws.choice(ODD_VALUES)})
    form = draws.randrange(5)
    body: object = {"dataframe_records": records}
    if form == 1:
        columns = list(records[0])
        cells = [[row.get(name) for name in columns] for row in records]
        body = {"dataframe_split": {"columns": columns, "data": cells}}
    elif form == 2:
        name = draws.choice(("inputs", "instances", "dataframe_records", ""))
        body = {name: draws.choice((records, text, None, [text]))}
    elif form == 3:
        body = draws.choice(ODD_VALUES)
    content = json.dumps(body).encode()
    kind = draws.choice(("application/json",) * 6 + ("text/csv", "text/plain", ""))
    return (damaged(content, draws) if draws.random() < 0.2 else content), kind
