"""What the paper reports: Nedelcu, Carreiro, Veiga & Vasconcelos, HEALTHINFO 2021. Percent, on Derm.AI's test part."""

from __future__ import annotations

METRICS = ("accuracy", "weighted_f1", "macro_f1")

# Average accuracy, weighted F1, macro F1.
ARCHITECTURES = {
    "mobilenetv2_100": (14.43, 15.91, 9.59),
    "resnet50": (43.00, 42.67, 27.07),
    "efficientnet_b3": (42.71, 44.04, 28.65),
}
STRATEGIES = {
    "o": (14.28, 5.52, 2.53),
    "x": (42.56, 43.34, 28.60),
    "a": (42.71, 44.04, 28.65),
    "b": (43.73, 44.17, 30.09),
    "c": (43.44, 44.41, 28.80),
}
CLASSES = (
    "SebKer", "ActKer", "Nev", "MolCont", "Haem", "UncNeop", "Drmfib", "SLent", "PenFib", "VWart", "OtMalNeop", "BCC",
    "MM",
)  # fmt: skip
# Sensitivity, precision, F1 of each class, in the order above.
PER_CLASS = {
    "x": (
        (53.59, 66.84, 59.48), (63.46, 57.89, 60.55), (18.55, 56.10, 27.88), (42.86, 27.27, 33.33),
        (21.43, 21.43, 21.43), (18.37, 11.11, 13.85), (53.57, 31.25, 39.47), (10.00, 8.33, 9.09),
        (43.48, 33.33, 37.74), (66.67, 38.81, 49.06), (26.09, 16.22, 20.00), (0.00, 0.00, 0.00), (0.00, 0.00, 0.00),
    ),
    "a": (
        (49.79, 63.78, 55.92), (56.73, 48.76, 52.44), (43.55, 51.43, 47.16), (35.71, 38.46, 37.04),
        (14.29, 18.18, 16.00), (16.33, 11.27, 13.33), (42.86, 38.71, 40.68), (0.00, 0.00, 0.00),
        (21.74, 21.74, 21.74), (56.41, 45.83, 50.57), (26.09, 18.18, 21.43), (0.00, 0.00, 0.00),
        (20.00, 13.33, 16.00),
    ),
    "b": (
        (47.68, 69.75, 56.64), (67.31, 47.30, 55.56), (45.97, 48.31, 47.11), (42.86, 42.86, 42.86),
        (7.14, 11.11, 8.70), (4.08, 5.13, 4.55), (50.00, 28.00, 35.90), (20.00, 15.38, 17.39),
        (26.09, 25.00, 25.53), (53.85, 42.86, 47.73), (17.39, 12.50, 14.55), (9.09, 6.25, 7.41), (30.00, 25.00, 27.27),
    ),
    "c": (
        (48.95, 66.29, 56.31), (60.58, 49.22, 54.31), (47.58, 47.97, 47.77), (28.57, 57.14, 38.10),
        (14.29, 16.67, 15.38), (16.33, 11.76, 13.68), (46.43, 25.49, 32.91), (0.00, 0.00, 0.00),
        (21.74, 26.32, 23.81), (53.85, 52.50, 53.16), (17.39, 13.33, 15.09), (0.00, 0.00, 0.00), (30.00, 20.00, 24.00),
    ),
}  # fmt: skip


def reported(strategy: str, metric: str) -> float | None:
    """A number of the paper as a share; None where it has none.

    >>> reported("b", "sensitivity_MM"), reported("a", "macro_f1"), reported("auto", "accuracy")
    (0.3, 0.2865, None)
    """
    kind, _, name = metric.rpartition("_")
    if metric in METRICS:
        row = {**ARCHITECTURES, **STRATEGIES}.get(strategy)
        return None if row is None else round(row[METRICS.index(metric)] / 100, 6)
    if strategy not in PER_CLASS or name not in CLASSES or kind not in ("sensitivity", "precision", "f1"):
        return None
    numbers = PER_CLASS[strategy][CLASSES.index(name)]
    return round(numbers[("sensitivity", "precision", "f1").index(kind)] / 100, 6)
