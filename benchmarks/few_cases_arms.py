"""The ways to classify that `benchmarks.few_cases` compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from benchmarks.few_cases_experiment import Arm
from benchmarks.few_cases_heads import hierarchical
from dermai.images.lesion import crop_to_lesion
from dermai.taxonomy import load_taxonomy

CROPS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "whole": lambda pixels: pixels,
    "centre": lambda pixels: pixels[45:-45, 45:-45],  # the middle 70 % of 300 px
    "lesion": crop_to_lesion,
}


def constant_colours(pixels: np.ndarray) -> np.ndarray:
    """Photograph uint8 [H, W, 3] under white light by Shades of Gray (Finlayson and Trezzi 2004), Minkowski norm 6."""
    values = pixels.astype(np.float64)
    light = (values**6).mean(axis=(0, 1)) ** (1 / 6)
    return np.asarray(np.clip(values * light.mean() / np.maximum(light, 1.0), 0, 255).round(), dtype=np.uint8)


MIRRORED = {f"{name} mirrored": (lambda pixels, view=view: view(pixels)[:, ::-1]) for name, view in CROPS.items()}
CONSTANT = {
    f"{name} constant": (lambda pixels, view=view: view(constant_colours(pixels))) for name, view in CROPS.items()
}
VIEWS = tuple(CROPS)
EVERYONE = ("age", "body_site", "itch", "grew", "hurt", "changed", "bleed", "elevation")  # recorded in every row


def arms(cases: pd.DataFrame, further: Sequence[str], network: str) -> tuple[list[Arm], list[tuple[Arm, Arm]]]:
    """The arms, and which are compared.

    `further` are networks whose features join, `network` the one that was fine-tuned ("": none).
    """
    taxonomy, diagnoses = load_taxonomy(), set(cases["diagnosis"])
    levels = ["normal", "priority", "high_priority"]
    groups = np.array([levels.index(taxonomy.risk(code)) for code in taxonomy.codes if code in diagnoses])
    two = ("whole", "centre")
    whole = Arm("whole photograph", ("whole",))
    columns = Arm("clinical columns alone", clinical=EVERYONE)
    plain = Arm("whole photograph + clinical columns", ("whole",), clinical=EVERYONE)
    photograph = Arm("whole + centre crop", two)
    both = Arm("whole + centre crop + clinical columns", two, clinical=EVERYONE)
    hierarchy = Arm("whole + centre crop, risk level, then class", two, head=hierarchical(groups))
    more = Arm("whole + centre crop + clinical columns, sex, skin type", two, clinical=(*EVERYONE, "sex", "skin_type"))
    # What must not be done: whether the sex was recorded, put where a skin type would stand.
    recorded = cases.assign(skin_type=np.where(cases["sex"] == "", "3", "4"))
    leak = Arm("whole + centre crop + clinical columns, whether sex was recorded (leaks)", two,
               clinical=(*EVERYONE, "skin_type"), cases=recorded)  # fmt: skip
    lesion = Arm("whole + lesion crop", ("whole", "lesion"))
    all_views = Arm("whole + centre crop + lesion crop", VIEWS)
    everything = Arm("whole + centre crop + lesion crop + clinical columns", VIEWS, clinical=EVERYONE)
    mirrored = Arm("three views, each mirrored too", (*VIEWS, *MIRRORED))
    constant = Arm("three views, colours constant", tuple(CONSTANT))
    columns_trees = Arm("clinical columns alone, by trees", clinical=EVERYONE, trees=True)
    everything_trees = Arm(f"{everything.name}, by trees", VIEWS, clinical=EVERYONE, trees=True)
    chosen = [whole, columns, plain, photograph, both, hierarchy, more, leak, lesion, all_views, everything,
              mirrored, constant, columns_trees, everything_trees]  # fmt: skip
    comparisons = [(photograph, whole), (plain, whole), (plain, columns), (both, photograph), (both, columns),
                   (both, plain), (hierarchy, photograph), (more, both), (leak, both), (lesion, whole),
                   (lesion, photograph), (all_views, photograph), (all_views, whole), (everything, both),
                   (everything, all_views), (mirrored, all_views), (constant, all_views), (columns_trees, columns),
                   (everything_trees, everything)]  # fmt: skip
    if further:
        joined = (*VIEWS, *(f"{other}/{view}" for other in further for view in VIEWS))
        networks = Arm(f"three views, with {', '.join(further)}", joined)
        networks_everything = Arm(f"{networks.name} + clinical columns", joined, clinical=EVERYONE)
        chosen += [networks, networks_everything]
        comparisons += [(networks, all_views), (networks_everything, everything)]
    if network:
        tuned_by = (f"{network}/held",)
        alone = Arm("fine-tuned", (), tuned_by)
        alone_columns = Arm("fine-tuned + clinical columns", (), tuned_by, EVERYONE)
        tuned = Arm("fine-tuned and three views", VIEWS, tuned_by)
        tuned_columns = Arm("fine-tuned and three views + clinical columns", VIEWS, tuned_by, EVERYONE)
        chosen += [alone, alone_columns, tuned, tuned_columns]
        comparisons += [(alone, all_views), (tuned, all_views), (tuned, alone), (alone_columns, everything),
                        (tuned_columns, everything), (tuned_columns, alone_columns)]  # fmt: skip
        tuned_biased = Arm(f"{tuned.name}, classes moved", VIEWS, tuned_by, biased=True)
        columns_biased = Arm(f"{tuned_columns.name}, classes moved", VIEWS, tuned_by, EVERYONE, biased=True)
        chosen += [tuned_biased, columns_biased]
        comparisons += [(tuned_biased, tuned), (columns_biased, tuned_columns)]
        by_four = (f"{network}/joined",)
        source = Arm("fine-tuned by way of HAM10000", (), (f"source-{network}/held",))
        four = Arm("fine-tuned, mean of four networks", (), by_four)
        chosen += [source, four]
        comparisons += [(source, alone), (four, alone)]
        by_eight = (*by_four, f"source-{network}/joined")
        ways = {"fine-tuned, mean of four networks": by_four, "fine-tuned either way, mean of eight networks": by_eight}
        for start, by in ways.items():
            name = f"{start}, and three views"
            joined_biased = Arm(f"{name}, classes moved", VIEWS, by, biased=True)
            joined_columns = Arm(f"{name} + clinical columns, classes moved", VIEWS, by, EVERYONE, biased=True)
            chosen += [joined_biased, joined_columns]
            comparisons += [(joined_biased, tuned_biased), (joined_columns, columns_biased)]
        if further:
            both_kinds = Arm(f"fine-tuned and {networks.name}", joined, tuned_by)
            all_columns = Arm(f"{both_kinds.name} + clinical columns", joined, tuned_by, EVERYONE)
            chosen += [both_kinds, all_columns]
            comparisons += [(both_kinds, networks), (both_kinds, tuned), (all_columns, networks_everything),
                            (all_columns, tuned_columns)]  # fmt: skip
    return chosen, comparisons
