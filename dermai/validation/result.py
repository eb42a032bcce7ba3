"""What a validation found: every failed check with its rows named, and whether the run may go on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dermai.errors import DermaiError

SHOWN = 3  # failing rows in a one-line message


class Level(StrEnum):
    """Whether a failed check stops the run."""

    BLOCKING = "blocking"
    WARNING = "warning"


class FailingRow(BaseModel):
    """A row that broke a check."""

    model_config = ConfigDict(frozen=True)

    case_id: str
    file: str
    value: str

    def __str__(self) -> str:
        named = f"case {self.case_id}" if self.case_id else ""
        where = " ".join(part for part in (named, f"({self.file})" if self.file else "") if part)
        return f"{where}: {self.value}" if where else self.value


class Failure(BaseModel):
    """One failed check, in plain words."""

    model_config = ConfigDict(frozen=True)

    check: str
    level: Level
    message: str
    count: int
    rows: tuple[FailingRow, ...]

    def __str__(self) -> str:
        shown = "; ".join(str(row) for row in self.rows[:SHOWN])
        more = f"; and {self.count - SHOWN} more" if self.count > SHOWN else ""
        return f"{self.message}: {shown}{more}" if shown else self.message


class ClassStatistics(BaseModel):
    """How much of a diagnosis there is."""

    model_config = ConfigDict(frozen=True)

    diagnosis: str
    photographs: int
    lesions: int
    patients: int
    train_patients: int
    validation_patients: int
    test_patients: int
    test_lesions: int
    lost: str = ""  # splits in which it had photographs at the last update, and has none now
    shrunk: str = ""  # what is left to train on, where it is less than half


class EarlierDataset(BaseModel):
    """The dataset of the last update: what it is called in sentences, and split -> class -> photographs."""

    model_config = ConfigDict(frozen=True)

    name: str
    photographs: dict[str, dict[str, int]]

    @property
    def classes(self) -> set[str]:
        """Every class that it had photographs of."""
        return {code for counts in self.photographs.values() for code, number in counts.items() if code and number}


class ValidationResult(BaseModel):
    """The outcome of validating a dataset."""

    model_config = ConfigDict(frozen=True)

    passed: bool
    photographs: int
    checks: int
    blocking: tuple[Failure, ...]
    warnings: tuple[Failure, ...]
    classes: tuple[ClassStatistics, ...]
    flagged_share: float  # of the photographs, with a quality warning
    docs: Path

    @property
    def summary(self) -> str:
        """One line for the terminal and the record."""
        if self.passed:
            return f"{self.checks} checks on {self.photographs} photographs passed, {len(self.warnings)} warnings"
        first, others = self.blocking[0], len(self.blocking) - 1
        more = f" (and {others} more failed checks)" if others else ""
        return f"the dataset failed validation: {first}{more}; all of it: {self.docs}"

    @property
    def lines(self) -> tuple[str, ...]:
        """Every failed check in a line: what blocks first."""
        return tuple(f"{failure.level.value}: {failure}" for failure in (*self.blocking, *self.warnings))


class ValidationFailed(DermaiError):
    """The dataset broke a blocking check; `result` is the whole ValidationResult."""

    def __init__(self, message: str, result: ValidationResult) -> None:
        super().__init__(message)
        self.result = result
