"""The inbox: acknowledged referrals, one file each, until they are in the prediction log and afterwards.

`waiting/<case>-<request>.json` is written whole and flushed before the sender is told anything; once the prediction
log has it, the file moves to `filed/`. A process that is killed in between files it again, which changes nothing. One
that is damaged is set aside alone (`dermai.inbox.set_aside`).
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Base64UrlBytes, BaseModel, ConfigDict, ValidationError

from dermai.data.cases import photograph_path
from dermai.files import sync_folder, write_bytes
from dermai.inbox.answer import ReferralAnswer
from dermai.inbox.sent import Row
from dermai.inbox.set_aside import FOLDER, set_aside
from dermai.ingest.photographs import Photograph
from dermai.triage.cautions import cautious_risk
from dermai.triage.risk import RANK
from dermai.workspace import Workspace

logger = logging.getLogger(__name__)


class Scores(BaseModel):
    """What a model said of the photographs that can be judged, as the prediction log keeps it.

    `rows` has `p_<class>`, `predicted`, `diagnoses` and `risk` of each, `embeddings` the reference backbone's in half
    precision, `cautions` what speaks against trusting the answer about a photograph.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    rows: tuple[Row, ...]
    embeddings: Base64UrlBytes
    of_run: tuple[str, ...]
    cautions: dict[str, tuple[str, ...]]

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Embeddings [N, D]."""
        found = np.frombuffer(self.embeddings, dtype=np.float16).astype(np.float32)
        return found.reshape(len(self.rows), -1)


class AnsweredReferral(BaseModel):
    """One acknowledged referral. `rows` has one row a photograph, in pseudonyms, with the quality check's columns.

    `sealed_number` is the sender's own number of the case (`Pseudonyms.sealed`), for the sender's own list.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: str
    received: datetime
    case_id: str
    patient_id: str
    rows: tuple[Row, ...]
    answer: ReferralAnswer
    scores: Scores | None = None
    sealed_number: str = ""

    @property
    def risk(self) -> str:
        """The level that model and cautions give it, whatever its sender was told; "" where no model answered."""
        if self.scores is None or not self.scores.rows:
            return ""
        about = tuple(said for of_photograph in self.scores.cautions.values() for said in of_photograph)
        levels = [cautious_risk(str(row["risk"]), (*self.scores.of_run, *about)) for row in self.scores.rows]
        return min(levels, key=RANK.__getitem__)

    @property
    def file_name(self) -> str:
        """Its file, wherever it lies."""
        return f"{self.case_id}-{self.request}.json"


@dataclass(frozen=True)
class Inbox:
    """The folder of a workspace's inbox."""

    folder: Path

    @classmethod
    def of(cls, workspace: Workspace) -> Inbox:
        """A workspace's inbox."""
        return cls(workspace.state / "inbox")

    @property
    def waiting_folder(self) -> Path:
        """What is acknowledged and not in the prediction log yet."""
        return self.folder / "waiting"

    @property
    def lock(self) -> Path:
        """Held by the service that takes referrals in; there is one."""
        return self.folder / "service.lock"

    @contextmanager
    def arriving(self) -> Iterator[Path]:
        """A private folder for the files of a referral while they are looked at, metadata and all."""
        folder = self._arrivals / secrets.token_hex(8)
        try:
            folder.mkdir(mode=0o700)
        except FileNotFoundError:
            self._arrivals.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            with suppress(OSError):  # what stays is swept when the service starts
                for file in folder.iterdir():
                    file.unlink()
                folder.rmdir()

    def sweep(self) -> None:
        """Delete files that a killed service was looking at: they may hold where a photograph was taken."""
        shutil.rmtree(self._arrivals, ignore_errors=True)

    def keep(self, entry: AnsweredReferral) -> None:
        """Write an entry; from now on it waits for the prediction log, whatever happens."""
        write_bytes(self.waiting_folder / entry.file_name, entry.model_dump_json().encode())

    def of_case(self, case_id: str) -> list[AnsweredReferral]:
        """The entries of a case; a damaged one is set aside, and what the prediction log has of it stays known."""
        waiting = _names(self.waiting_folder, f"{case_id}-")
        filed = _names(self._filed(case_id), f"{case_id}-")
        names = {*waiting, *filed}  # one that moves meanwhile is in one of them
        found = [self._read_named(case_id, name) for name in sorted(names)]
        return [entry for entry in found if entry is not None]

    def waiting(self) -> list[AnsweredReferral]:
        """What waits for the prediction log, the longest first; a damaged entry is set aside."""
        found = [self._read(file) for file in self.waiting_folder.glob("*.json")]
        sound = [entry for entry in found if entry is not None]
        return sorted(sound, key=lambda entry: (entry.received, entry.request))

    def every(self) -> Iterator[AnsweredReferral]:
        """All entries that can be read: waiting, filed and set aside. Nothing is moved."""
        for file in self.files():
            with suppress(ValidationError, FileNotFoundError):
                yield AnsweredReferral.model_validate_json(file.read_bytes())

    def files(self) -> list[Path]:
        """The files of all entries, damaged ones too."""
        return [*sorted(self.waiting_folder.glob("*.json")), *self.filed_files(),
                *sorted((self.folder / FOLDER).glob("*.json"))]  # fmt: skip

    def filed_files(self) -> list[Path]:
        """The files of those that the prediction log has."""
        return sorted((self.folder / "filed").glob("*/*.json"))

    def count(self) -> int:
        """How many wait."""
        return len(list(self.waiting_folder.glob("*.json")))

    def file(self, entries: Sequence[AnsweredReferral]) -> None:
        """The prediction log has these."""
        for entry in entries:
            target = self._filed(entry.case_id)
            target.mkdir(parents=True, exist_ok=True)
            (self.waiting_folder / entry.file_name).rename(target / entry.file_name)

    @property
    def _arrivals(self) -> Path:
        return self.folder / "arriving.tmp"

    def set_aside(self, entry: AnsweredReferral, reason: str) -> None:
        """Of one that is sound and cannot be filed all the same: it waits for a person, and holds up no other."""
        set_aside(self.folder, self.waiting_folder / entry.file_name, reason)

    def _read_named(self, case_id: str, name: str) -> AnsweredReferral | None:
        try:
            return self._read(self.waiting_folder / name)
        except FileNotFoundError:
            return self._read(self._filed(case_id) / name)

    def _read(self, file: Path) -> AnsweredReferral | None:
        """An entry; None where it is damaged, and set aside now."""
        try:
            return AnsweredReferral.model_validate_json(file.read_bytes())
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            reason = f"it is damaged ({where}: {first['msg']})" if where else f"it is damaged ({first['msg']})"
            logger.error("%s is set aside: %s", file.name, reason)
            set_aside(self.folder, file, reason)
            return None

    def _filed(self, case_id: str) -> Path:
        return self.folder / "filed" / case_id[1:4]


def _names(folder: Path, beginning: str) -> list[str]:
    """The entries in a folder whose names begin so, without a path for each of the others as `Path.glob` makes one."""
    try:
        with os.scandir(folder) as files:
            return [file.name for file in files if file.name.startswith(beginning) and file.name.endswith(".json")]
    except FileNotFoundError:
        return []


def judged_once(rows: Sequence[Row]) -> list[Row]:
    """The rows of the photographs that can be judged, each photograph once, in the order sent."""
    by_image = {row["image"]: row for row in reversed(rows) if not row["reason"]}
    return [by_image[image] for image in dict.fromkeys(row["image"] for row in rows) if image in by_image]


def keep_photograph(store: Path, photograph: Photograph) -> None:
    """Store a photograph so that it survives a power cut, unless it is there."""
    path = photograph_path(store, photograph.image)
    if not path.is_file() or path.read_bytes() != photograph.content:
        write_bytes(path, photograph.content)
        return
    with path.open("rb") as stream:  # a triage of a folder may have left it to the system to write
        os.fsync(stream.fileno())
    sync_folder(path.parent)
