"""Checks a dataset must pass before any training."""

from dermai.validation.dataset import examine_dataset, validate_dataset
from dermai.validation.result import ClassStatistics, EarlierDataset, FailingRow, Failure, Level, ValidationResult

__all__ = [
    "ClassStatistics",
    "EarlierDataset",
    "FailingRow",
    "Failure",
    "Level",
    "ValidationResult",
    "examine_dataset",
    "validate_dataset",
]
