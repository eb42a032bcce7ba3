"""Not one module: damaged and odd photographs and tables end in acceptance or a named refusal at every entrance."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dermai.data.pseudonyms import Pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.data.tables import read_text_table
from dermai.errors import DermaiError
from dermai.images.acquisition import acquisition_properties
from dermai.ingest.clinical_values import clinical_values
from dermai.ingest.dermai_cases import read_dermai_cases
from dermai.ingest.file_names import locate
from dermai.ingest.ham10000 import read_ham10000
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.ingest.photographs import sanitise
from dermai.ingest.row_checks import row_notes, row_problems
from dermai.ingest.unusable import UnusablePhotograph
from dermai.prediction_log.confirmations import confirm
from dermai.prediction_log.log import PredictionLog
from dermai.triage.referrals import read_referrals
from dermai.workspace import Workspace
from tests.ingest.deliveries import deliver, draw, ingest, row

NUMBERS = SenderNumbers(Pseudonyms(b"a secret of at least 32 characters"))
ODD_CELLS = (
    "", " ", "0", "-1", "99", "999", "1e400", "nan", "=1+1", "1.23457E+11", "\u00e9\u0301", "\u202e", "\ud7ff", "true",
    "'", '"', ",", ";", "\t", "a\nb", "a\rb", "\0", "../x", "C:\\x", "x" * 5000, "#N/A", "{case}", "%s", "\ufeff", "١",
)  # fmt: skip
COLUMNS = (
    "image", "case_id", "patient_id", "diagnosis", "lesion_id", "age", "sex", "site", "body_site", "view", "itch",
    "skin_type", "acquired_on", "split", "source", "device",
)  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what Pillow says of damaged tags


def photograph(draws: random.Random) -> bytes:
    """A sound photograph in one of the forms that are read, or in one that is not."""
    picture = draw(draws.randrange(50), draws.choice((8, 96, 300)), draws.choice((1, 64, 80)))
    kind = draws.choice(("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"))
    mode = draws.choice(("RGB", "L", "P", "RGBA", "CMYK", "1", "LA", "I;16", "F", "I"))
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
    """The same with bytes changed, cut, doubled or moved."""
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


def odd_table(draws: random.Random) -> bytes:
    """A table of cases with odd cells, columns, quotes, delimiters and encodings."""
    names = [*COLUMNS[:4], *draws.sample(COLUMNS[4:], draws.randrange(8))]
    if draws.random() < 0.1:
        names.append(draws.choice((*names, "", "weight", "Age")))
    rows = []
    for number in range(draws.randrange(5)):
        usual = row(number)
        cells = [usual.get(name, "") for name in names]
        for _ in range(draws.choice((0, 0, 1, 3))):
            cells[draws.randrange(len(cells))] = draws.choice(ODD_CELLS)
        rows.append(cells[: draws.choice((len(cells), len(cells), len(cells), 2))] + [""] * draws.choice((0, 0, 0, 2)))
    text = io.StringIO()
    delimiter = draws.choice(",;\t|")
    quoting = draws.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=draws.choice(("\n", "\r\n", "\r"))).writerows(
        [names, *rows]
    )
    encoding = draws.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"))
    content = text.getvalue().encode(encoding, "replace")
    return damaged(content, draws) if draws.random() < 0.4 else content


def named(*said: str) -> bool:
    """A refusal says something; false, as nothing was taken."""
    assert all(said)
    return False


def read_photograph(folder: Path, content: bytes, name: str) -> bool:
    """As ingest, triage and serving read one; whether it was taken."""
    (folder / name).write_bytes(content)
    try:
        photograph = sanitise(locate(folder, name), 448, 92, 1)
    except UnusablePhotograph as refused:
        return named(refused.reason, refused.fix)
    with Image.open(io.BytesIO(photograph.content)) as stored:
        pixels = np.asarray(stored.convert("RGB"))
    assert pixels.shape[2] == 3
    assert not dict(stored.getexif())
    assert all(np.isfinite(value) for value in acquisition_properties(pixels).values()) or min(pixels.shape[:2]) < 3
    return True


def through_every_door(folder: Path, log: PredictionLog, content: bytes) -> int:
    """Read one table as cases, referrals, diagnoses and publishers' tables; how many took it."""
    for name in ("cases.csv", "metadata.csv", "HAM10000_metadata.csv"):
        (folder / name).write_bytes(content)
    doors: tuple[Callable[[], object], ...] = (
        lambda: checked(folder),
        lambda: read_referrals(folder, NUMBERS),
        lambda: confirm(log, folder / "cases.csv", numbers=NUMBERS),
        lambda: read_pad_ufes_20(folder),
        lambda: read_ham10000(folder),
        lambda: read_text_table(folder / "cases.csv", ()),
    )
    taken = 0
    for door in doors:
        try:
            door()
            taken += 1
        except DermaiError as refused:
            named(str(refused))
    return taken


def checked(folder: Path) -> None:
    values = clinical_values(read_dermai_cases(folder).rows)
    row_notes(values)
    assert all(reason and fix for reason, fix in row_problems(values).values())


def try_files(folder: Path, photographs: int, tables: int, seed: int) -> tuple[int, int]:
    """How many photographs and readings of tables were taken."""
    draws, taken = random.Random(seed), [0, 0]
    log = PredictionLog(folder / "log")
    for number in range(photographs):
        name = f"{number % 7}.{draws.choice(('jpg', 'png', 'tif', 'webp'))}"
        taken[0] += read_photograph(folder, damaged(photograph(draws), draws), name)
    for _ in range(tables):
        taken[1] += through_every_door(folder, log, odd_table(draws))
    return taken[0], taken[1]


def test_a_few_hundred_odd_files_are_taken_or_refused_by_name(tmp_path: Path) -> None:
    photographs, tables = try_files(tmp_path, 400, 150, 20)
    assert 50 < photographs < 390
    assert 20 < tables < 800


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
def test_five_thousand_odd_files_are_taken_or_refused_by_name(tmp_path: Path, seed: int) -> None:
    photographs, tables = try_files(tmp_path, 3500, 1500, seed)
    assert photographs > 0
    assert tables > 0


def test_a_whole_delivery_of_odd_files_is_taken_in_part(workspace: Workspace, tmp_path: Path) -> None:
    draws, folder = random.Random(3), tmp_path / "delivery"
    deliver(folder, [row(number) for number in range(40)])
    for number in range(5, 40):
        (folder / f"{number}.jpg").write_bytes(damaged(photograph(draws), draws))
    report = ingest(folder, workspace)
    assert report.new.total() >= 5
    assert report.new.total() + report.known.total() + len(report.rejections) == 40
