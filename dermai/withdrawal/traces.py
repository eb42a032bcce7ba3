"""By what a patient is known here: pseudonyms of patient, cases and lesions, photographs, and pictures made of them."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dermai.errors import DermaiError
from dermai.files import write_text
from dermai.workspace import Workspace

PSEUDONYM = re.compile(r"[pcl][0-9a-f]{20}")
SHOWN = 10  # digits of a photograph's name on pages; dermai.report.update_content.SHORT_HASH


class Traces(BaseModel):
    """One withdrawal: `state/withdrawals/<withdrawal>.json`, written before anything goes.

    `names` are pseudonyms of the patient, the cases and the lesions, `images` the photographs' names, which are the
    SHA-256 of their content, `pictures` the SHA-256 of what was made of them, or what they were made of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    withdrawal: str
    patients: tuple[str, ...]
    names: tuple[str, ...]
    images: tuple[str, ...]
    pictures: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # of the sender's numbers
    objects: tuple[str, ...] = ()  # DVC's names of the photographs: a store may have lost the listing that says them
    begun: str
    approver: str
    role: str
    reason: str

    @property
    def identifiers(self) -> frozenset[str]:
        """What any column may hold of the patient: a lesion called `unknown` would be in others' columns too."""
        return frozenset((*self._pseudonyms, *self.images))

    @property
    def words(self) -> tuple[bytes, ...]:
        """What a text may hold of the patient; what is too short to mean nobody else is left out."""
        return tuple(sorted({word.encode() for word in (*self._pseudonyms, *(image[:SHOWN] for image in self.images))}))

    @property
    def spoken(self) -> tuple[str, ...]:
        """The same as text, whole names before their beginnings: in this order they are replaced."""
        return (*self.images, *(word.decode() for word in self.words))

    @property
    def _pseudonyms(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if PSEUDONYM.fullmatch(name))

    @property
    def digests(self) -> frozenset[str]:
        """SHA-256 of every content that shows the patient."""
        return frozenset((*self.images, *self.pictures))

    def file(self, workspace: Workspace) -> Path:
        """Where it is kept."""
        return withdrawals_folder(workspace) / f"{self.withdrawal}.json"

    def write(self, workspace: Workspace) -> None:
        """Keep it."""
        write_text(self.file(workspace), self.model_dump_json(indent=1) + "\n")


def withdrawals_folder(workspace: Workspace) -> Path:
    """Where all withdrawals are kept."""
    return workspace.state / "withdrawals"


def withdrawals_of(workspace: Workspace, patients: tuple[str, ...]) -> list[Traces]:
    """The withdrawals of a patient, oldest first.

    Raises:
        DermaiError: a file of them is damaged.
    """
    found = []
    for file in sorted(withdrawals_folder(workspace).glob("*.json")):
        try:
            found.append(Traces.model_validate_json(file.read_bytes()))
        except ValidationError:
            raise DermaiError(f"{file} is damaged: put it back from a backup, then run this again") from None
    mine = [traces for traces in found if set(traces.patients) & set(patients)]
    return sorted(mine, key=lambda traces: traces.begun)
