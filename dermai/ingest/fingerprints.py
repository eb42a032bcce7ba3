"""What photographs are compared by: a 64-bit perceptual hash and a small grey thumbnail, kept beside the dataset."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dermai.data.cases import photograph_path
from dermai.files import write_bytes
from dermai.ingest.store import in_threads

THUMBNAIL = 16  # pixels a side


@dataclass(frozen=True)
class Fingerprint:
    """What is compared of one photograph."""

    hash: int
    thumbnail: bytes


def fingerprint(content: bytes) -> Fingerprint:
    """64-bit DCT hash (pHash) and 16 x 16 grey thumbnail of a stored photograph."""
    import imagehash

    with Image.open(io.BytesIO(content)) as opened:
        grey = opened.convert("L")
    bits = imagehash.phash(grey).hash.ravel()
    thumbnail = grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return Fingerprint(int.from_bytes(np.packbits(bits).tobytes(), "big"), thumbnail.tobytes())


@dataclass(frozen=True)
class FingerprintTable:
    """Fingerprints of many photographs: `images` names [N], `hashes` uint64 [N], `thumbnails` uint8 [N, 256]."""

    images: NDArray[np.bytes_]
    hashes: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]

    @classmethod
    def build(cls, fingerprints: Iterable[tuple[str, Fingerprint]]) -> FingerprintTable:
        """From photographs' names and fingerprints."""
        rows = list(fingerprints)
        return cls(
            np.array([image.encode() for image, _ in rows], dtype="S64"),
            np.array([print.hash for _, print in rows], dtype=np.uint64),
            np.frombuffer(b"".join(print.thumbnail for _, print in rows), np.uint8).reshape(-1, THUMBNAIL**2),
        )

    @classmethod
    def load(cls, path: Path) -> FingerprintTable:
        """Read a table; an absent or unreadable file is an empty one, since all of it can be computed again."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(stored["images"], stored["hashes"], stored["thumbnails"])
        except (OSError, ValueError, KeyError, EOFError):
            return cls.build([])

    def save(self, path: Path) -> None:
        """Replace the file at once, unless it holds the same rows."""
        order = np.argsort(self.images, kind="stable")
        buffer = io.BytesIO()
        np.savez(buffer, images=self.images[order], hashes=self.hashes[order], thumbnails=self.thumbnails[order])
        content = buffer.getvalue()
        if not (path.is_file() and path.read_bytes() == content):
            write_bytes(path, content)

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, chosen: NDArray[np.bool_]) -> FingerprintTable:
        """The chosen rows."""
        return FingerprintTable(self.images[chosen], self.hashes[chosen], self.thumbnails[chosen])

    def followed_by(self, other: FingerprintTable) -> FingerprintTable:
        """Both tables' rows."""
        return FingerprintTable(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.thumbnails, other.thumbnails]),
        )


def dataset_fingerprints(data: Path, file: Path, images: Iterable[str], workers: int) -> FingerprintTable:
    """Fingerprints of the dataset's photographs: kept in `file` from earlier, computed where they are missing."""
    wanted = np.array([image.encode() for image in images], dtype="S64")
    stored = FingerprintTable.load(file)
    stored = stored.rows(np.isin(stored.images, wanted))
    have = set(stored.images.tolist())
    absent = (photograph_path(data, image.decode()) for image in wanted.tolist() if image not in have)
    paths = [path for path in absent if path.is_file()]
    computed = in_threads(lambda path: (path.stem, fingerprint(path.read_bytes())), paths, workers)
    return stored.followed_by(FingerprintTable.build(computed))
