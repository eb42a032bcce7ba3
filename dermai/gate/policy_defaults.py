"""What a policy leaves out, by version: the defaults that an approval was given under.

A policy's hash covers what differs from the defaults, and their version. So a release may add a key without asking any
hospital for a new approval, as long as the key's default leaves every decision as it was: it is not listed here. A
default that is changed, or a new key whose default decides otherwise, needs a new version with what it changed.
"""

from __future__ import annotations

from pydantic import JsonValue

DEFAULTS: dict[int, dict[str, JsonValue]] = {
    1: {
        "mode": "statistical",
        "approval": "auto",
        "gated_classes": ["MM", "BCC"],
        "hit": "class",
        "alpha": 0.05,
        "harm_alpha": 0.05,
        "floors.MM": 0.70,
        "floors.BCC": 0.60,
        "margins.champion.MM": 0.10,
        "margins.champion.BCC": 0.10,
        "margins.anchor.MM": 0.10,
        "margins.anchor.BCC": 0.10,
        "target_sensitivities.MM": 0.90,
        "target_sensitivities.BCC": 0.85,
        "fewest_lesions": 5,
        "guards.benign_classes": [],
        "guards.sensitivity_drop": 0.03,
        "guards.specificity_margin": 0.10,
        "guards.macro_f1_drop": 0.05,
        "guards.subgroup_fewest": 30,
        "guards.subgroup_drop": 0.10,
        "guards.age_bands": [40, 60, 80],
        "ledger.spend": 0.75,
        "ledger.worn_out": 0.1,
        "planning.power": 0.8,
        "planning.discordance": 0.10,
        "shadow.alpha": 0.05,
    },
    2: {"reference_standards.test_patients": "confirmed"},
    3: {
        "all_lesions.promotes": "alone",
        "all_lesions.variance_inflation": 1.0,
        "all_lesions.most_disagreement": 0.02,
        "all_lesions.most_missed_calls": 0.05,
        "shadow.alpha": 0.0125,
    },
    4: {"shadow.carry_over": 20},
}
# How releases decided that did not know a key yet.
BEFORE: dict[str, JsonValue] = {
    "reference_standards.test_patients": "every_diagnosis",
    "all_lesions.promotes": "never",
    "all_lesions.variance_inflation": 1.0,  # without effect
    "all_lesions.most_disagreement": 0.02,
    "all_lesions.most_missed_calls": 0.05,
    "shadow.carry_over": 0,
}


def defaults_version() -> int:
    """The version that policies are written under now."""
    return max(DEFAULTS)


def pinned_defaults() -> dict[str, JsonValue]:
    """Every default that has a version, as it stands in the newest: dotted key to value."""
    return {key: value for version in sorted(DEFAULTS) for key, value in DEFAULTS[version].items()}


def flat(values: dict[str, JsonValue], prefix: str = "") -> dict[str, JsonValue]:
    """Nested values under dotted keys; an empty mapping stays as it is.

    >>> flat({"alpha": 0.05, "floors": {"MM": 0.7}})
    {'alpha': 0.05, 'floors.MM': 0.7}
    """
    found: dict[str, JsonValue] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def nested(values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The inverse of `flat`.

    >>> nested({"alpha": 0.05, "floors.MM": 0.7})
    {'alpha': 0.05, 'floors': {'MM': 0.7}}
    """
    found: dict[str, JsonValue] = {}
    for dotted, value in values.items():
        *sections, key = dotted.split(".")
        place = found
        for section in sections:
            inner = place.setdefault(section, {})
            assert isinstance(inner, dict)
            place = inner
        place[key] = value
    return found
