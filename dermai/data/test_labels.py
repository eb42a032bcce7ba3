"""What the test photographs are labelled as: a table that a record names by its hash, and what changed in it since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.files import sha256_json

COLUMNS = ("image", "patient_id", "lesion_id", "diagnosis", "confirmed_by")
ROW = "row_sha256"
Kind = Literal["diagnosis", "confirmed_by", "filed", "moved", "gone", "erased", "unknown", "joined"]


class LabelChange(BaseModel):
    """Test lesions of one `diagnosis` that were `before` and are `now`.

    `diagnosis`: another one. `confirmed_by`: confirmed otherwise. `filed`: under another lesion or patient. `moved`: to
    another split. `gone`: not in the dataset any more. `erased`: their rows were erased, so that nobody can say what
    they were. `unknown`: the whole table is gone or was changed. `joined`: not among the test photographs before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    diagnosis: str = ""
    before: str = ""
    now: str = ""
    lesions: int = 0
    photographs: int = 0

    def __str__(self) -> str:
        number = f"{self.lesions} test {'lesion' if self.lesions == 1 else 'lesions'}"
        lesions = f"{number} of {self.diagnosis or 'no class'}"
        before, now = self.before or "nothing known", self.now or "nothing known"
        return {
            "diagnosis": f"{number} from {self.before or 'no class'} to {self.now or 'no class'}",
            "confirmed_by": f"{lesions} confirmed by {before} before, by {now} now",
            "filed": f"{lesions} under another lesion or patient",
            "moved": f"{lesions} moved to the split {self.now}",
            "gone": f"{lesions} no longer in the dataset",
            "erased": f"{self.photographs} test photographs whose labels were erased",
            "unknown": "the test labels of the last update are not as they were recorded: what changed is unknown",
            "joined": f"{lesions} new in the test set",
        }[self.kind]


@dataclass(frozen=True)
class LabelTable:
    """The test photographs with their labels, in the order of `image`; of `erased` rows only the hash is left.

    The hash of the table covers the hashes of its rows, so that a row can be erased and the table still be the one that
    was recorded.
    """

    rows: pd.DataFrame  # COLUMNS, all text
    erased: tuple[str, ...] = ()

    @classmethod
    def of(cls, cases: pd.DataFrame) -> LabelTable:
        """The labels of a case table's test photographs."""
        rows = cases.loc[cases["split"] == "test", list(COLUMNS)]
        return cls(rows.fillna("").astype(str).sort_values("image").reset_index(drop=True))

    @classmethod
    def read(cls, stored: pd.DataFrame) -> LabelTable:
        """From what `stored` wrote.

        Raises:
            ValueError: a row is not what its hash says, or the columns are others.
        """
        if list(stored.columns) != [ROW, *COLUMNS]:
            raise ValueError("these are not the columns of test labels")
        kept = stored["image"] != ""
        table = cls(stored.loc[kept, list(COLUMNS)].reset_index(drop=True), tuple(stored.loc[~kept, ROW]))
        if table.row_hashes != stored.loc[kept, ROW].tolist():
            raise ValueError("a row is not what its hash says")
        return table

    @property
    def row_hashes(self) -> list[str]:
        """SHA-256 of each row. The content hash of the photograph in it cannot be guessed."""
        return [sha256_json(list(row)) for row in self.rows.itertuples(index=False, name=None)]

    @property
    def sha256(self) -> str:
        """What a record names the table by."""
        return sha256_json(sorted([*self.row_hashes, *self.erased]))

    def stored(self) -> pd.DataFrame:
        """The rows with the hash of each, and after them the hashes of those that were erased."""
        kept = self.rows.assign(**{ROW: self.row_hashes})
        gone = pd.DataFrame({ROW: list(self.erased)}, dtype=object)
        return pd.concat([kept, gone], ignore_index=True).reindex(columns=[ROW, *COLUMNS]).fillna("")

    def without(self, images: Collection[str]) -> LabelTable:
        """The same table with the rows of these photographs erased."""
        chosen = self.rows["image"].isin(set(images)).to_numpy(dtype=bool)
        hashes = [row_hash for row_hash, gone in zip(self.row_hashes, chosen, strict=True) if gone]
        return LabelTable(self.rows[~chosen].reset_index(drop=True), (*self.erased, *hashes))


def label_changes(before: LabelTable, cases: pd.DataFrame) -> tuple[LabelChange, ...]:
    """What became of the test photographs of before, and which are new among them, by kind and class."""
    now = LabelTable.of(cases)
    splits = dict(zip(cases["image"], cases["split"], strict=True))
    labels = {row["image"]: row for row in now.rows.to_dict("records")}
    found: dict[tuple[Kind, str, str, str], list[str]] = defaultdict(list)  # a lesion for each photograph
    for row in before.rows.to_dict("records"):
        image, after = row["image"], labels.get(row["image"])
        kind: Kind | None = None
        was = becomes = ""
        if after is None:
            kind, becomes = ("moved", splits[image]) if image in splits else ("gone", "")
        elif differing := [name for name in ("diagnosis", "confirmed_by") if row[name] != after[name]]:
            kind = "diagnosis" if differing[0] == "diagnosis" else "confirmed_by"
            was, becomes = row[differing[0]], after[differing[0]]
        elif (row["lesion_id"], row["patient_id"]) != (after["lesion_id"], after["patient_id"]):
            kind = "filed"
        if kind is not None:
            found[kind, "" if kind == "diagnosis" else row["diagnosis"], was, becomes].append(row["lesion_id"])
    hashes = dict(zip(now.row_hashes, now.rows["image"], strict=True))
    known = {*before.rows["image"], *(hashes[row] for row in before.erased if row in hashes)}
    for image, row in labels.items():
        if image not in known:
            found["joined", row["diagnosis"], "", ""].append(row["lesion_id"])
    changes = [
        LabelChange(kind=kind, diagnosis=code, before=was, now=becomes, lesions=len(set(each)), photographs=len(each))
        for (kind, code, was, becomes), each in sorted(found.items())
    ]
    erased = [row for row in before.erased if row not in hashes]
    return (*changes, *([LabelChange(kind="erased", photographs=len(erased))] if erased else ()))
