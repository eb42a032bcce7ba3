"""How many of each diagnosis a source holds: the tables of Nedelcu et al., HEALTHINFO 2021.

EDRA's and derm7pt's published sub-diagnoses add up to the paper's rows (252 melanomas, 575 naevi, 97 miscellaneous).
"""

from __future__ import annotations

from collections.abc import Mapping

DERMAI: Mapping[str, tuple[int, int]] = {  # photographs: macroscopic, anatomical
    "SebKer": (1125, 61),
    "ActKer": (442, 77),
    "Nev": (561, 57),
    "MolCont": (50, 21),
    "Haem": (66, 4),
    "UncNeop": (233, 13),
    "Drmfib": (135, 6),
    "SLent": (45, 3),
    "PenFib": (99, 16),
    "VWart": (167, 25),
    "OtMalNeop": (108, 8),
    "BCC": (53, 3),
    "MM": (50, 2),
}
EDRA: Mapping[str, int] = {  # cases
    "seborrheic keratosis": 45,
    "dermatofibroma": 20,
    "lentigo": 24,
    "melanosis": 16,
    "miscellaneous": 8,
    "vascular lesion": 29,
    "clark nevus": 399,
    "reed or spitz nevus": 79,
    "dermal nevus": 33,
    "blue nevus": 28,
    "congenital nevus": 17,
    "combined nevus": 13,
    "recurrent nevus": 6,
    "basal cell carcinoma": 42,
    "melanoma (in situ)": 64,
    "melanoma (less than 0.76 mm)": 102,
    "melanoma (0.76 to 1.5 mm)": 53,
    "melanoma (more than 1.5 mm)": 28,
    "melanoma metastasis": 4,
    "melanoma": 1,
}
DERMOFIT: Mapping[str, int] = {  # lesions
    "SK": 257,
    "AK": 45,
    "ML": 331,
    "VASC": 97,
    "PYO": 24,
    "DF": 65,
    "IEC": 78,
    "SCC": 88,
    "BCC": 239,
    "MEL": 76,
}
FEWEST = 2  # of each diagnosis, in different patients, so that train and test can both hold one


def scaled(count: int, scale: float, multiplier: float = 1.0) -> int:
    """A table's count at a scale, never under two.

    >>> scaled(52, 0.25), scaled(1, 0.25)
    (13, 2)
    """
    return max(FEWEST, round(count * scale * multiplier))


def source_labels(source: str) -> tuple[str, ...]:
    """The labels of a source's table, in its order."""
    return tuple({"dermai": DERMAI, "edra": EDRA, "dermofit": DERMOFIT}[source])
