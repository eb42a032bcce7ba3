"""The one way by which a photograph comes in: at the intake, in triage, and at a served model."""

from __future__ import annotations

from pathlib import Path

from dermai.ingest.formats import kind_decoded_apart
from dermai.ingest.limits import check_bytes
from dermai.ingest.sanitising import Photograph, sanitised
from dermai.ingest.separate_process import sanitised_apart


def sanitise(path: Path, shorter_side: int, quality: int, smallest_side: int = 1) -> Photograph:
    """One photograph made safe: decoded, upright, sRGB, small, and without any metadata.

    HEIC, AVIF and DICOM are decoded in a process of its own: whatever a damaged file does to their decoders, only
    that photograph is refused.

    Raises:
        UnusablePhotograph: not a photograph, damaged, too large to decode safely, or too small to be of use.
    """
    check_bytes(path.stat().st_size)
    read = sanitised_apart if kind_decoded_apart(path) else sanitised
    return read(path, shorter_side, quality, smallest_side)
