"""In which order parts were written, whatever the clock showed: the name of each holds its number.

`part-<time>-<number>-<random>.parquet`. Earlier releases wrote no numbers: their parts go before, by the time that the
name says.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

NAME = re.compile(r"part-(\d{8}T\d{12})-(?:(\d{8,15})-)?.*")
WITHOUT_TIME = datetime(1970, 1, 1, tzinfo=UTC)
NUMBERED = 2**62  # behind every time, in microseconds, that a name can hold


def next_part_name(written: Iterable[Path]) -> str:
    """The name of a part that is written now, after those of `written`.

    >>> next_part_name([Path("part-20990101T000000000000-00000007-0123abcd.parquet")]).split("-")[2]
    '00000008'
    """
    number = max((_number(part.name) for part in written), default=0) + 1
    return f"part-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{number:08d}-{uuid.uuid4().hex[:8]}.parquet"


def name_without_rows(name: str) -> str:
    """The name of a part that takes another's place with fewer rows: the same each time, and the same in the order.

    >>> other = name_without_rows("part-20990101T000000000000-00000007-0123abcd.parquet")
    >>> other.rpartition("-")[0], order_of(other) - NUMBERED
    ('part-20990101T000000000000-00000007', 7)
    """
    stem = name.removesuffix(".parquet")
    kept = stem.rpartition("-")[0] if NAME.fullmatch(stem) else stem
    return f"{kept}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.parquet"


def time_of(name: str) -> datetime:
    """What the clock showed when a part was written; the beginning of 1970 where its name does not say."""
    found = NAME.fullmatch(name)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC) if found else WITHOUT_TIME
    except ValueError:
        return WITHOUT_TIME


def order_of(name: str) -> int:
    """Greater for each part than for those that were written before it.

    >>> order_of("part-20990101T000000000000-ab.parquet") < order_of("part-20260101T000000000000-00000001-ab.parquet")
    True
    """
    number = _number(name)
    return NUMBERED + number if number else round((time_of(name) - WITHOUT_TIME).total_seconds() * 1e6)


def _number(name: str) -> int:
    found = NAME.fullmatch(name)
    return int(found[2] or 0) if found else 0
