"""How urgent a photograph is, and whether the model has an answer at all."""

from __future__ import annotations

from dermai.taxonomy import RiskLevel, load_taxonomy

ORDER = (RiskLevel.HIGH_PRIORITY, RiskLevel.PRIORITY, RiskLevel.NORMAL)
RANK = {level.value: place for place, level in enumerate(ORDER)}  # 0 is the most urgent


def abstains(diagnoses: tuple[str, ...], largest_set: int) -> bool:
    """No class is probable enough, or too many are: the dermatologist decides without the model."""
    return not 1 <= len(diagnoses) <= largest_set


def risk_level(predicted: str, diagnoses: tuple[str, ...], abstained: bool) -> RiskLevel:
    """The called class's level; never normal while a high-priority diagnosis is in the set or the model abstains.

    >>> risk_level("Nev", ("Nev", "MM"), False)
    <RiskLevel.PRIORITY: 'priority'>
    """
    taxonomy = load_taxonomy()
    called = taxonomy.risk(predicted)
    if called is not RiskLevel.NORMAL:
        return called
    serious = any(taxonomy.risk(code) is RiskLevel.HIGH_PRIORITY for code in diagnoses)
    return RiskLevel.PRIORITY if serious or abstained else RiskLevel.NORMAL
