"""The photographs of a delivery, read once each: stored under their own name, with a fingerprint, or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dermai.config import Params
from dermai.ingest.file_names import locate
from dermai.ingest.fingerprints import Fingerprint, fingerprint
from dermai.ingest.photographs import sanitise
from dermai.ingest.row_checks import Problems
from dermai.ingest.store import in_threads, store_photograph
from dermai.ingest.unusable import UnusablePhotograph


@dataclass(frozen=True)
class Decoded:
    """`images` has the name of each photograph that can be read, by row; `problems` why the other rows cannot."""

    images: pd.Series
    fingerprints: dict[str, Fingerprint]
    problems: Problems


def decode(
    files: pd.Series,
    folder: Path,
    store: Path | None,
    params: Params,
    workers: int,
    progress: Callable[[int, int], None],
) -> Decoded:
    """Sanitise every photograph of a folder, and store it where `store` is given."""

    def one(file: str) -> tuple[str, Fingerprint] | UnusablePhotograph:
        try:
            photograph = sanitise(
                locate(folder, file),
                params.data.shorter_side,
                params.data.jpeg_quality,
                params.validation.smallest_side,
            )
        except UnusablePhotograph as problem:
            return problem
        if store is not None:
            store_photograph(store, photograph)
        return photograph.image, fingerprint(photograph.content)

    images: dict[object, str] = {}
    problems: Problems = {}
    fingerprints: dict[str, Fingerprint] = {}
    for row, result in zip(list(files.index), in_threads(one, files, workers), strict=True):
        if isinstance(result, UnusablePhotograph):
            problems[row] = (result.reason, result.fix)
        else:
            images[row], fingerprints[result[0]] = result[0], result[1]
        progress(len(images) + len(problems), len(files))
    return Decoded(pd.Series(images, dtype=object), fingerprints, problems)
