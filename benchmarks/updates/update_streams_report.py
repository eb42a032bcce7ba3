"""Tables and figure of the update recipes on real streams."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.folders import RESULTS
from benchmarks.updates.stream_parameters import OVERRIDES, SEEDS
from benchmarks.updates.stream_statistics import (
    Answers,
    Interval,
    Statistic,
    balanced_accuracy,
    estimate,
    forgetting,
    forward_transfer,
    mean_forgetting,
    p_value,
    sensitivity,
)
from dermai.continual.recipes import RECIPES
from dermai.files import write_text

PAGE = RESULTS / "update_streams.md"
DEFAULT, JOINT, ALONE = "balanced_replay", "joint", "finetune_only"
TITLES = {
    "pad": "PAD-UFES-20, patients in five arrivals by the publisher's register",
    "ham": "HAM10000, one acquisition site after the other",
    "pad_new_class": "A diagnosis never seen before: seborrheic keratoses from the fourth arrival on",
}
NAMES = {
    "balanced_replay": "class-balanced replay (default)",
    "replay_interpolation": "class-balanced memory, interpolated",
    "uniform_replay": "uniform replay",
    "distillation": "distillation (LwF)",
    "l2_sp": "L2-SP",
    "finetune_only": "fine-tune only",
    "joint": "joint, anew from ImageNet",
}
COLOURS = dict(zip(NAMES, ("#0b57a4", "#c79a00", "#2a9d5c", "#b04a00", "#8a2be2", "#a3201a", "#17202c"), strict=True))
Cells = dict[str, dict[int, dict[str, Any]]]  # strategy -> repetition -> cell


def write_report(folder: Path) -> None:
    """Write update_streams.md and .svg from the cells of a folder."""
    cells: dict[str, Cells] = {}
    for file in sorted(folder.glob("*.json")):
        cell = json.loads(file.read_text(encoding="utf-8"))
        cells.setdefault(cell["stream"], {}).setdefault(cell["strategy"], {})[cell["repetition"]] = cell
    lines = [__doc__.splitlines()[0].replace("Tables and figure of t", "# T").rstrip("."), "", *_introduction()]
    for stream, title in TITLES.items():
        if stream in cells:
            lines += ["", f"## {title}", "", *_stream_section(stream, cells[stream])]
    lines += _special_cases(cells.get("pad", {}))
    write_text(PAGE, "\n".join(lines) + "\n")
    _plot({stream: found for stream, found in cells.items() if stream in ("pad", "ham")})


def answers_of(cells: dict[int, dict[str, Any]], repetitions: Sequence[int]) -> Answers:
    """The test lesions of several repetitions, one under the other: a lesion once for each that tests it."""
    rows = [(number, lesion) for number in repetitions for lesion in cells[number]["test"]]
    right = [
        [
            cells[number]["stages"][stage]["answers"][lesion["lesion_id"]] == lesion["diagnosis"]
            for number, lesion in rows
        ]
        for stage in range(len(cells[repetitions[0]]["stages"]))
    ]
    return Answers(
        patients=np.array([lesion["patient_id"] for _, lesion in rows]),
        classes=np.array([lesion["diagnosis"] for _, lesion in rows]),
        arrivals=np.array([lesion["arrival"] for _, lesion in rows]),
        right=np.array(right, dtype=bool),
    )


def _introduction() -> list[str]:
    changed = ", ".join(f"{name} {value}" for name, value in OVERRIDES.items())
    return [
        "`python -m benchmarks.updates.update_streams FOLDER`, then `--report`; tf_efficientnet_lite0 with ImageNet",
        f"weights. Not the shipped parameters: {changed}.",
        "",
        "A repetition is one of five folds by patient (each patient is a test patient once in five repetitions) with",
        "validation patients and a training seed of its own",
        f"({', '.join(map(str, SEEDS))} in turn).",
        "Lesions of the repetitions' test folds are pooled; each is answered by the largest mean probability of its",
        "photographs, without operating points. In brackets: 95 % intervals over resampled test patients, each with",
        "the answers of all repetitions that test them. Differences are paired on the same patients; p is one-sided.",
        "Seconds are processor seconds; the frozen layers' outputs are on disk before, for every recipe alike.",
        "",
        "- *forgetting*: balanced accuracy on an arrival just after it was learnt, less that at the end; the mean over",
        "  all arrivals but the last. Backward transfer is its negative.",
        "- *forward transfer*: balanced accuracy on an arrival just before it is learnt, less chance.",
        "- *joint* starts anew from ImageNet weights on everything that has arrived; run at the last arrival only.",
    ]


def _stream_section(stream: str, cells: Cells) -> list[str]:
    complete = [name for name in RECIPES if name in cells]
    repetitions = sorted(set.intersection(*(set(cells[name]) for name in complete)))
    if not repetitions:
        return ["No repetition has all recipes yet."]
    found = {name: answers_of(cells[name], repetitions) for name in complete}
    tested = {lesion["lesion_id"]: lesion for number in repetitions for lesion in cells[complete[0]][number]["test"]}
    patients = {lesion["patient_id"] for lesion in tested.values()}
    counts = Counter(lesion["diagnosis"] for lesion in tested.values())
    lines = [
        f"{len(repetitions)} repetitions, {len(tested)} test lesions of {len(patients)} patients "
        f"(MM {counts['MM']}, BCC {counts['BCC']}).",
        "",
        "| recipe | balanced accuracy | MM sensitivity | BCC sensitivity | forgetting | forward transfer "
        "| seconds, last update | all updates |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in complete:
        last, total = _seconds(cells[name], repetitions)
        whole = [balanced_accuracy(-1), sensitivity(-1, "MM"), sensitivity(-1, "BCC")]
        row = [_share(estimate(statistic, found[name])) for statistic in whole]
        streamed: list[Statistic] = [mean_forgetting, forward_transfer]
        row += ["–"] * 2 if name == JOINT else [_points(estimate(statistic, found[name])) for statistic in streamed]
        lines.append(f"| {NAMES[name]} | {' | '.join(row)} | {last:.0f} | {'–' if name == JOINT else f'{total:.0f}'} |")
    if DEFAULT in found:
        lines += ["", *_bars(cells, found, repetitions)]
    lines += [
        "",
        "Balanced accuracy on the test patients of all arrivals, after each:",
        "",
        *_by_stage(found, balanced_accuracy),
    ]
    lines += ["", "Forgetting of each earlier arrival, points:", "", *_forgetting_table(found)]
    if stream == "pad_new_class" or stream == "ham":
        name = "SebKer" if stream == "pad_new_class" else "ActKer"
        lines += ["", f"Sensitivity for {name}, the class that arrives later, after each arrival:", ""]
        lines += _by_stage(found, lambda stage: sensitivity(stage, name))
    return lines


def _bars(cells: Cells, found: dict[str, Answers], repetitions: Sequence[int]) -> list[str]:
    """Each bar with what is shown and what is only estimated."""
    lines = ["| the default recipe | bar | measured | p | |", "|---|---|---:|---:|---|"]
    default = found[DEFAULT]
    if JOINT in found:
        change = _difference(default, found[JOINT])
        lines.append(_bar_row("less joint, points", "at least −1", change, p_value(change, -0.01), -0.01))
        shares = [
            cells[DEFAULT][number]["stages"][-1]["processor_seconds"]
            / cells[JOINT][number]["stages"][-1]["processor_seconds"]
            for number in repetitions
        ]
        share = float(np.mean(shares))
        spread = f"{100 * min(shares):.0f} to {100 * max(shares):.0f}"
        verdict = "met" if share <= 0.35 else "missed"
        lines.append(f"| share of joint's seconds, % | at most 35 | {100 * share:.0f} ({spread}) | | {verdict} |")
    lost = estimate(mean_forgetting, default)
    gain = Interval(-lost.value, -lost.high, -lost.low, -lost.drawn)
    lines.append(
        _bar_row("less itself earlier (backward transfer), points", "at least −1", gain, p_value(gain, -0.01), -0.01)
    )
    if ALONE in found:
        change = _difference(default, found[ALONE])
        lines.append(_bar_row("less fine-tune only, points", "at least +5", change, p_value(change, 0.05), 0.05))
    for name in found:
        if name not in (DEFAULT, JOINT, ALONE):
            change = _difference(default, found[name])
            lines.append(_bar_row(f"less {NAMES[name]}, points", "more than 0", change, p_value(change, 0.0), 0.0))
    return lines


def _bar_row(name: str, bar: str, change: Interval, p: float, bound: float) -> str:
    verdict = "shown" if p < 0.05 else "estimate meets it, not shown" if change.value >= bound else "missed"
    return f"| {name} | {bar} | {_points(change)} | {p:.3f} | {verdict} |"


def _difference(one: Answers, other: Answers) -> Interval:
    """Balanced accuracy at the end of the stream, one recipe less another."""
    return estimate(balanced_accuracy(-1), one, other)


def _by_stage(found: dict[str, Answers], statistic: Any) -> list[str]:
    stages = max(answers.stages for answers in found.values())
    lines = ["| recipe | " + " | ".join(f"after {stage + 1}" for stage in range(stages)) + " |"]
    lines.append("|---|" + "---:|" * stages)
    for name, answers in found.items():
        cells = ["–"] * (stages - answers.stages)
        cells += [_share(estimate(statistic(stage), answers)) for stage in range(answers.stages)]
        lines.append(f"| {NAMES[name]} | {' | '.join(cells)} |")
    return lines


def _forgetting_table(found: dict[str, Answers]) -> list[str]:
    stages = max(answers.stages for answers in found.values())
    lines = ["| recipe | " + " | ".join(f"arrival {arrival}" for arrival in range(1, stages)) + " |"]
    lines.append("|---|" + "---:|" * (stages - 1))
    for name, answers in found.items():
        if name != JOINT:
            cells = [_points(estimate(forgetting(arrival), answers)) for arrival in range(1, stages)]
            lines.append(f"| {NAMES[name]} | {' | '.join(cells)} |")
    return lines


def _special_cases(cells: Cells) -> list[str]:
    lines: list[str] = []
    if "correction" in cells:
        lines += ["", "## A label correction", ""]
        lines += [
            "A part of the first arrival's training lesions is mislabelled until the second arrives (PAD-UFES-20, the",
            "default recipe). Lesions whose true diagnosis the model then gives:",
            "",
            "| repetition | lesions | first model | update with the corrections | update without them |",
            "|---:|---:|---:|---:|---:|",
        ]
        for number, cell in cells["correction"].items():
            hits = [
                sum(cell[name]["corrected_lesions"][lesion] == truth for lesion, truth in cell["truth"].items())
                for name in ("before", "corrected", "left wrong")
            ]
            lines.append(f"| {number} | {cell['lesions']} | {' | '.join(map(str, hits))} |")
    if "withdrawal" in cells:
        lines += ["", "## A consent withdrawal", ""]
        lines += [
            "Ten training patients take back their consent after the second arrival (PAD-UFES-20): the next run starts",
            "anew without them, with nothing cached.",
            "",
            "| repetition | photographs removed | of them in the new manifest | run | seconds "
            "| test lesions right before | after |",
            "|---:|---:|---:|---|---:|---:|---:|",
        ]
        for number, cell in cells["withdrawal"].items():
            truth = {lesion["lesion_id"]: lesion["diagnosis"] for lesion in cell["test"]}
            before, after = (
                sum(cell[name][lesion] == diagnosis for lesion, diagnosis in truth.items())
                for name in ("answers_before", "answers")
            )
            lines.append(
                f"| {number} | {cell['photographs']} | {cell['in_manifest']} | {cell['mode']} "
                f"| {cell['run']['processor_seconds']:.0f} | {before} of {len(truth)} | {after} |"
            )
    return lines


def _seconds(cells: dict[int, dict[str, Any]], repetitions: Sequence[int]) -> tuple[float, float]:
    """Mean over repetitions of the last update's processor seconds, and of all updates' after the first model."""
    stages = [cells[number]["stages"] for number in repetitions]
    last = float(np.mean([found[-1]["processor_seconds"] for found in stages]))
    return last, float(np.mean([sum(stage["processor_seconds"] for stage in found[1:]) for found in stages]))


def _plot(streams: dict[str, Cells]) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "update_streams"
    figure, axes = pyplot.subplots(1, max(len(streams), 1), figsize=(6 * max(len(streams), 1), 4), squeeze=False)
    for axis, (stream, cells) in zip(axes[0], streams.items(), strict=False):
        complete = [name for name in RECIPES if name in cells]
        repetitions = sorted(set.intersection(*(set(cells[name]) for name in complete)))
        if not repetitions:
            continue
        for name in complete:
            answers = answers_of(cells[name], repetitions)
            values = [estimate(balanced_accuracy(stage), answers) for stage in range(answers.stages)]
            last = max(len(cells[other][repetitions[0]]["stages"]) for other in complete)
            x = np.arange(last - answers.stages + 1, last + 1) + 0.05 * (complete.index(name) - 3)
            middle = np.array([100 * value.value for value in values])
            errors = np.abs(np.array([[100 * value.low, 100 * value.high] for value in values]).T - middle)
            style = {"color": COLOURS[name], "label": NAMES[name], "marker": "D" if name == JOINT else "o"}
            axis.errorbar(x, middle, errors, linewidth=1.5, markersize=4, capsize=2, **style)
        axis.set_title(TITLES[stream].split(",")[0])
        axis.set_xlabel("arrivals learnt")
        axis.set_ylabel("balanced accuracy on all test patients, %")
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(PAGE.with_suffix(".svg"), metadata={"Date": None})


def _share(found: Interval) -> str:
    return f"{100 * found.value:.1f} ({100 * found.low:.1f}–{100 * found.high:.1f})"


def _points(found: Interval) -> str:
    return f"{_signed(found.value)} ({_signed(found.low)} to {_signed(found.high)})"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")
