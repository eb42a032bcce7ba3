"""What each diagnosis looks like: distributions of the traits that a lesion is painted from.

Drawn after textbook descriptions so that classes are learnable; the confusions are those clinicians know. The
numbers have no clinical meaning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Traits:
    """One lesion's appearance; optical densities, shares of the radius, counts."""

    melanin: float = 0.15
    blood: float = 0.2
    blue: float = 0.0
    keratin: float = 0.0
    crust: float = 0.0
    pearl: float = 0.0
    radius: float = 0.21
    elongation: float = 0.12
    irregularity: float = 0.06
    asymmetry: float = 0.1
    variegation: float = 0.12
    softness: float = 0.1
    relief: float = 0.1
    grain: float = 10.0
    network: float = 0.0
    dark_dots: float = 0.0
    white_dots: float = 0.0
    vessels: float = 0.0
    lacunae: float = 0.0
    dome: float = 0.1
    centre: float = 0.0
    ulcer: float = 0.0
    satellites: float = 0.0


NAMES = tuple(field.name for field in fields(Traits))
TYPICAL: Mapping[str, Traits] = {
    "SebKer": Traits(melanin=0.75, blood=0.08, keratin=0.12, radius=0.25, irregularity=0.07, variegation=0.25,
                     softness=0.04, relief=0.55, grain=14, white_dots=7, dark_dots=6, dome=0.25),
    "ActKer": Traits(melanin=0.08, blood=0.4, keratin=0.42, crust=0.1, radius=0.25, irregularity=0.15, variegation=0.3,
                     softness=0.3, relief=0.35, grain=18, dome=0, satellites=1.2),
    "Nev": Traits(melanin=0.95, radius=0.17, irregularity=0.03, asymmetry=0.06, variegation=0.08, softness=0.1,
                  relief=0.06, network=0.35, dome=0.15),
    "MolCont": Traits(melanin=0.02, blood=0.12, pearl=0.35, radius=0.1, irregularity=0.02, elongation=0.06,
                      softness=0.06, relief=0.03, dome=0.75, centre=0.5, satellites=3.5),
    "Haem": Traits(melanin=0.02, blood=1.25, blue=0.15, radius=0.17, irregularity=0.05, softness=0.05, lacunae=0.7,
                   dome=0.35),
    "UncNeop": Traits(),
    "Drmfib": Traits(melanin=0.5, blood=0.25, radius=0.17, irregularity=0.03, softness=0.25, network=0.15, dome=0.2,
                     centre=0.7),
    "SLent": Traits(melanin=0.42, blood=0.02, radius=0.3, irregularity=0.14, elongation=0.25, variegation=0.1,
                    softness=0.04, relief=0.02, network=0.12, dome=0),
    "PenFib": Traits(melanin=0.12, blood=0.14, radius=0.15, elongation=0.35, softness=0.04, relief=0.12, dome=0.95),
    "VWart": Traits(melanin=0.12, blood=0.08, keratin=0.3, radius=0.17, irregularity=0.1, softness=0.05, relief=0.95,
                    grain=20, dark_dots=12, dome=0.4),
    "OtMalNeop": Traits(melanin=0.12, blood=0.65, keratin=0.3, crust=0.6, radius=0.26, irregularity=0.14,
                        asymmetry=0.25, variegation=0.35, softness=0.14, relief=0.4, grain=9, dome=0.35, ulcer=0.15),
    "BCC": Traits(melanin=0.06, blood=0.3, blue=0.1, pearl=0.5, radius=0.21, irregularity=0.08, variegation=0.2,
                  softness=0.08, relief=0.08, vessels=6, dome=0.55, ulcer=0.55),
    "MM": Traits(melanin=1.45, blood=0.15, blue=0.5, radius=0.3, elongation=0.2, irregularity=0.17, asymmetry=0.6,
                 variegation=0.75, softness=0.07, relief=0.12, network=0.2, dark_dots=4, dome=0.1),
}  # fmt: skip
CONFUSED_WITH: Mapping[str, tuple[str, ...]] = {
    "SebKer": ("SLent", "MM", "VWart", "Nev"),
    "ActKer": ("OtMalNeop", "BCC", "SebKer"),
    "Nev": ("MM", "SebKer", "Drmfib", "PenFib"),
    "MolCont": ("VWart", "PenFib", "BCC"),
    "Haem": ("Nev", "MM", "PenFib"),
    "UncNeop": ("Nev", "SebKer", "OtMalNeop", "ActKer", "BCC"),
    "Drmfib": ("Nev", "SebKer", "BCC"),
    "SLent": ("SebKer", "ActKer", "MM"),
    "PenFib": ("Nev", "MolCont", "VWart"),
    "VWart": ("SebKer", "MolCont", "ActKer"),
    "OtMalNeop": ("ActKer", "BCC", "UncNeop"),
    "BCC": ("OtMalNeop", "Nev", "ActKer"),
    "MM": ("Nev", "SebKer"),
}
SUBTYPES: Mapping[str, tuple[str, Mapping[str, float]]] = {  # a label that looks like a class, with differences
    "blue nevus": ("Nev", {"blue": 0.9, "melanin": 0.7, "network": 0.0}),
    "dermal nevus": ("Nev", {"melanin": 0.45, "dome": 0.6, "network": 0.0}),
    "reed or spitz nevus": ("Nev", {"melanin": 1.4, "dark_dots": 8.0}),
    "congenital nevus": ("Nev", {"radius": 0.26, "relief": 0.3}),
    "melanoma (in situ)": ("MM", {"blue": 0.25, "asymmetry": 0.55, "melanin": 1.25}),
    "melanoma metastasis": ("MM", {"blue": 0.9, "dome": 0.6, "radius": 0.22}),
    "melanosis": ("SLent", {"melanin": 0.9}),
    "miscellaneous": ("UncNeop", {}),
    "PYO": ("Haem", {"ulcer": 0.6, "dome": 0.8, "lacunae": 0.1}),
    "IEC": ("OtMalNeop", {"crust": 0.2, "keratin": 0.4, "dome": 0.05}),
}
SPREAD = 0.3  # of a trait's typical value, one standard deviation between lesions
ATYPICAL = 0.25  # share of the lesions that lean towards a class they are mistaken for
LEAST_LEANING, MOST_LEANING = 0.2, 0.6


def draw_traits(
    label: str, code: str | None, rng: np.random.Generator, spread: float = SPREAD, atypical: float = ATYPICAL
) -> Traits:
    """One lesion's traits: of its label's subtype or class, or of an unknown class by the hash of its name.

    `spread` is the standard deviation between lesions, as a share of each trait's typical value; `atypical` the chance
    that a lesion leans towards a class it is mistaken for.
    """
    template, changes = SUBTYPES.get(label, (code, {}))
    typical = _values(TYPICAL[template]) if template else _unknown_class(label)
    for name, value in changes.items():
        typical[NAMES.index(name)] = value
    partners = CONFUSED_WITH.get(template or "", ())
    if template == "UncNeop":  # no look of its own: between two others
        first, second = rng.choice(len(partners), 2, replace=False)
        share = rng.uniform(0.3, 0.7)
        typical = share * _values(TYPICAL[partners[first]]) + (1 - share) * _values(TYPICAL[partners[second]])
    elif partners and rng.random() < atypical:
        other = _values(TYPICAL[partners[rng.integers(len(partners))]])
        typical = typical + rng.uniform(LEAST_LEANING, MOST_LEANING) * (other - typical)
    drawn = typical * (1 + spread * rng.standard_normal(len(typical)))
    return Traits(**{name: float(max(value, 0.0)) for name, value in zip(NAMES, drawn, strict=True)})


def _values(traits: Traits) -> np.ndarray:
    return np.array([getattr(traits, name) for name in NAMES])


def _unknown_class(label: str) -> np.ndarray:
    """A look that depends on the name alone, unlike every known class: a silvery plaque with a violet rim."""
    seed = int.from_bytes(hashlib.sha256(label.encode("utf-8")).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    look = Traits(melanin=0.1, blood=rng.uniform(0.5, 0.9), blue=rng.uniform(0.3, 0.6), keratin=rng.uniform(0.5, 0.9),
                  radius=0.36, irregularity=0.05, softness=0.03, relief=0.5, grain=rng.uniform(20, 28), centre=0.6,
                  satellites=rng.uniform(2, 5))  # fmt: skip
    return _values(look)
