"""Is this deployment sound? Every check says what is wrong and how to fix it."""

from dermai.doctor.examination import examine
from dermai.doctor.finding import Finding

__all__ = ["Finding", "examine"]
