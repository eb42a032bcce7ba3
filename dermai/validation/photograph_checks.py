"""Every photograph of the case table read once: is it there, is it what its name says, how good is it."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from dermai.data.cases import photograph_path
from dermai.files import sha256_bytes, write_bytes
from dermai.images.quality import MEASURES, measure
from dermai.ingest.fingerprints import Fingerprint, FingerprintTable, fingerprint
from dermai.ingest.store import in_threads

CONTENT_HASH = re.compile(r"[0-9a-f]{64}")
NOT_A_HASH = "the image column holds no content hash"
MISSING = "the file is missing"
CHANGED = "the content does not match the hash in its name"
UNDECODABLE = "the photograph cannot be decoded"
METADATA = "the photograph carries metadata"
METADATA_KEYS = ("exif", "comment", "icc_profile", "xmp", "photoshop")


@dataclass(frozen=True)
class PhotographChecks:
    """One row a photograph: `problem` ("" where it is sound), measures (NaN where unknown), and fingerprints."""

    table: pd.DataFrame
    fingerprints: FingerprintTable


@dataclass(frozen=True)
class _Checked:
    image: str
    problem: str
    measures: dict[str, float] | None = None
    fingerprint: Fingerprint | None = None


def check_photographs(
    images: Sequence[str],
    data_folder: Path,
    cache_file: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    workers: int = 0,
) -> PhotographChecks:
    """Read and hash every photograph; decode and measure those that were not measured before.

    A photograph's name is the hash of its content, so what was measured once holds for ever: it is kept in
    `cache_file`, which is safe to delete.
    """
    names = list(dict.fromkeys(images))
    cached = _load(cache_file)
    cached = cached.loc[cached.index.intersection(names)]
    known = set(cached.index)

    def check(image: str) -> _Checked:
        return _check(image, data_folder, measured=image in known)

    checked: list[_Checked] = []
    for result in in_threads(check, names, workers or os.cpu_count() or 1):
        checked.append(result)
        progress(len(checked), len(names))
    fresh = [result for result in checked if result.measures is not None]
    if fresh:
        cached = pd.concat([cached, _rows(fresh)]) if len(cached) else _rows(fresh)
    if fresh or not cache_file.is_file():
        buffer = io.BytesIO()
        cached.to_parquet(buffer)
        write_bytes(cache_file, buffer.getvalue())
    table = pd.DataFrame({"problem": [result.problem for result in checked]}, index=pd.Index(names, name="image"))
    table = table.join(cached[list(MEASURES)])
    sound = cached.loc[cached.index.intersection(table.index[table["problem"] == ""])]
    return PhotographChecks(table, FingerprintTable.build(_fingerprints(sound)))


def _check(image: str, data_folder: Path, measured: bool) -> _Checked:
    if not CONTENT_HASH.fullmatch(image):  # such a name is never turned into a path
        return _Checked(image, NOT_A_HASH)
    try:
        content = photograph_path(data_folder, image).read_bytes()
    except OSError:
        return _Checked(image, MISSING)
    if sha256_bytes(content) != image:
        return _Checked(image, CHANGED)
    if measured:
        return _Checked(image, "")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("JPEG",)) as opened:
                metadata = [key for key in METADATA_KEYS if key in opened.info]
                pixels = np.asarray(opened.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return _Checked(image, UNDECODABLE)
    if metadata:
        return _Checked(image, f"{METADATA} ({', '.join(metadata)})")
    return _Checked(image, "", measure(pixels), fingerprint(content))


def _rows(checked: Sequence[_Checked]) -> pd.DataFrame:
    records = [
        {**result.measures, "hash": result.fingerprint.hash, "thumbnail": result.fingerprint.thumbnail}
        for result in checked
        if result.measures is not None and result.fingerprint is not None
    ]
    table = pd.DataFrame(records, index=pd.Index([result.image for result in checked], name="image"))
    return table.astype({"hash": np.uint64})


def _fingerprints(rows: pd.DataFrame) -> Iterator[tuple[str, Fingerprint]]:
    for image, hashed, thumbnail in zip(rows.index, rows["hash"], rows["thumbnail"], strict=True):
        yield image, Fingerprint(int(hashed), thumbnail)


def _load(cache_file: Path) -> pd.DataFrame:
    """The cache; an absent, damaged or older one is empty, since all of it can be measured again."""
    columns = [*MEASURES, "hash", "thumbnail"]
    empty = pd.DataFrame(columns=columns, index=pd.Index([], name="image", dtype=object))
    try:
        cached = pd.read_parquet(cache_file)
    except (OSError, ValueError):
        return empty
    return cached if list(cached.columns) == columns else empty
