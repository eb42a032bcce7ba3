"""Tables and figure of the gate's operating characteristics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.gate.simulated_fleets import FIRST_LEVEL, POLICY, RULES
from benchmarks.gate.simulations import SECOND, Cell, Clustered, Reign, Size, Stream, at_most
from dermai.gate.reign import challenger_alpha

GATE, ACCURACY, SENSITIVITY = "gate", ">= accuracy", ">= MM and BCC"
COLUMNS = (SECOND, *RULES)
NAMES = {
    SECOND: SECOND,
    "gate": "gate",
    "gate, champion only": "gate, champion only",
    ">= accuracy": "`>=` accuracy",
    ">= MM and BCC": "`>=` MM and BCC",
    "MLflow threshold": "MLflow threshold",
    "gate without ledger": "gate without ledger",
}
INTRODUCTION = """# Operating characteristics of the promotion gate

Simulated updates, each a candidate beside its champion and the anchor (the first model) on the same test patients.
Every melanoma comes with 2 BCC and 6 benign lesions; the first model's true sensitivities are {sensitivity}. A *false
promotion* is that of a candidate that is truly worse by the margin: {margin:.0f} points of sensitivity for MM or BCC,
or of specificity on benign lesions. The discordance is the share of lesions on which two versions differ.

- **gate, all lesions**: the shipped policy on all confirmed lesions of a service that has four times as many more
  beside these test patients, at the level of a first use ({level:.4f} of alpha = {alpha}); its answers count as
  independent but for the shipped inflation of the variance. What the test patients reject is not taken off.
- **gate**: the same on the test patients alone.
- **gate, champion only**: the same without the anchor.
- **`>=` accuracy**: the candidate's accuracy is not under the champion's, as in ZenML's template.
- **`>=` MM and BCC**: neither estimate of sensitivity is under the champion's, the strictest point comparison.
- **MLflow threshold**: `MetricThreshold(threshold=floor)` on both sensitivities ({floors}).

Command: `{command}` ({seconds:.0f} s on one core: {runs} updates a cell, half as many with 400
melanomas, {fleets} fleets, {streams} streams; named seeds).
"""


def report(
    size: Size,
    cells: list[Cell],
    creep: dict[str, np.ndarray],
    overuse: tuple[dict[str, float], dict[str, float]],
    streams: list[Stream],
    clusters: list[Clustered],
    reigns: list[Reign],
    *,
    command: str,
    seconds: float,
) -> str:
    """The whole page as Markdown."""
    from benchmarks.gate.simulated_fleets import SENSITIVITY as TRUE

    lines = [
        INTRODUCTION.format(
            sensitivity=", ".join(f"{code} {share:.2f}" for code, share in TRUE.items() if code != "Nev")
            + f", specificity {TRUE['Nev']:.2f}",
            margin=100 * POLICY.margins.champion["MM"],
            level=FIRST_LEVEL,
            alpha=POLICY.alpha,
            floors=", ".join(f"{code} {floor:.2f}" for code, floor in POLICY.floors.items()),
            command=command,
            seconds=seconds,
            **vars(size),
        ),
        *_bars(size, cells, creep, overuse, streams, clusters, reigns),
        *_false_promotions(cells),
        *_power(cells),
        *_creep(creep),
        *_overuse(overuse),
        *_reigns(reigns),
        *_shadow(streams),
        *_clustered(clusters),
    ]
    return "\n".join(lines) + "\n"


def _false(cells: list[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.scenario not in ("equal", "2 points better")]


def _bars(
    size: Size,
    cells: list[Cell],
    creep: dict[str, np.ndarray],
    overuse: tuple[dict[str, float], dict[str, float]],
    streams: list[Stream],
    clusters: list[Clustered],
    reigns: list[Reign],
) -> list[str]:
    """What was to be shown, and whether it was."""
    false = _false(cells)
    worst = max(false, key=lambda cell: cell.promoted[GATE])
    most = at_most(POLICY.alpha, worst.runs, len(false))
    mean = {name: np.mean([cell.promoted[name] for cell in false]) for name in RULES}
    rows = sorted({cell.melanomas for cell in false})

    def of_row(name: str, melanomas: int) -> float:
        return float(np.mean([cell.promoted[name] for cell in false if cell.melanomas == melanomas]))

    ratios = {
        rule: [of_row(rule, row) / max(of_row(GATE, row), 1e-9) for row in rows] for rule in (ACCURACY, SENSITIVITY)
    }
    at_50 = [cell for cell in cells if cell.scenario == "equal" and cell.melanomas < 100]
    beaten = [cell for cell in at_50 if cell.promoted[GATE] < cell.promoted[SENSITIVITY]]
    null = [stream for stream in streams if stream.difference < 0]
    clustered = max(max(cell.floor, cell.not_worse) for cell in clusters)
    end = {name: losses[-1] for name, losses in creep.items()}
    fewest = min(ratios[ACCURACY] + ratios[SENSITIVITY])
    bars = [
        (f"False promotions at or under alpha in every setting (at most {most:.3f} in 99 of 100 benchmarks)",
         worst.promoted[GATE] <= most, f"largest {worst.promoted[GATE]:.3f}"),
        ("... and on all confirmed lesions",
         max(cell.promoted[SECOND] for cell in false) <= most,
         f"largest {max(cell.promoted[SECOND] for cell in false):.3f}"),
        ("All confirmed lesions promote a good candidate more often than the test patients alone, in every row",
         all(cell.promoted[SECOND] >= cell.promoted[GATE] for cell in cells if cell not in false),
         "equal: " + ", ".join(f"{cell.promoted[GATE]:.2f} to {cell.promoted[SECOND]:.2f}" for cell in cells
                               if cell.scenario == "equal")),
        ("At least 10 times fewer false promotions than `>=`, over all settings",
         min(mean[ACCURACY], mean[SENSITIVITY]) >= 10 * mean[GATE],
         f"{mean[ACCURACY] / mean[GATE]:.1f} times fewer than `>=` accuracy, "
         f"{mean[SENSITIVITY] / mean[GATE]:.1f} times fewer than `>=` MM and BCC"),
        ("... and for each number of melanomas", fewest >= 10,
         "; ".join(f"{row} melanomas: {a:.1f} and {s:.1f} times"
                   for row, a, s in zip(rows, *ratios.values(), strict=True))),
        ("Loss after 20 updates that are each 2 points worse no larger than any other rule's",
         end[GATE] <= min(end.values()), ", ".join(f"{NAMES[name]} {loss * 100:.1f}" for name, loss in end.items())),
        ("50 candidates on one test set: at most the test patients' part of alpha",
         overuse[0][GATE] <= at_most(POLICY.test_set_alpha, size.fleets),
         f"{overuse[0][GATE]:.3f}, `>=` accuracy {overuse[0][ACCURACY]:.3f}"),
        ("Gate and shadow mode, 20 challengers over one champion's reign: at most alpha",
         all(found.shared <= at_most(POLICY.alpha, size.fleets, len(reigns)) for found in reigns),
         f"largest {max(found.shared for found in reigns):.3f}; an alpha for each: "
         f"{max(found.fresh for found in reigns):.3f}"),
        ("Shadow mode, the first challenger of a reign: wrong at any of 2,000 looks at most its share "
         f"({challenger_alpha(POLICY):.4f})",
         all(stream.decided <= at_most(challenger_alpha(POLICY), size.streams, len(null)) for stream in null),
         f"largest {max(stream.decided for stream in null):.3f}"),
        ("Patients with 1 to 5 lesions: at most the nominal 5 %",
         clustered <= at_most(0.05, size.fleets, 2 * len(clusters)), f"largest {clustered:.3f}"),
        ("Promotes an equal candidate at least as often as `>=` MM and BCC, in every row of the table of power",
         not beaten and all(c.promoted[GATE] >= c.promoted[SENSITIVITY] for c in cells if c.scenario == "equal"),
         "not with " + " and ".join(f"{c.melanomas} melanomas (discordance {c.discordance:.2f})" for c in beaten)
         if beaten else "in every row"),
    ]  # fmt: skip
    return [
        "## What was to be shown", "", "| | | |", "|---|---|---|",
        *[f"| {what} | {'met' if met else '**not met**'} | {seen} |" for what, met, seen in bars], "",
        "With few melanomas no rule can both promote an equal model often and stop a worse one: there the gate says "
        "*insufficient evidence*, and shadow mode goes on from there.", "",
    ]  # fmt: skip


def _table(cells: Sequence[Cell], first: str) -> list[str]:
    lines = [
        f"| melanomas | {first} | discordance | " + " | ".join(NAMES[name] for name in COLUMNS) + " |",
        "|---|---|---|" + "---|" * len(COLUMNS),
    ]
    for cell in cells:
        shares = " | ".join(f"{cell.promoted[name]:.3f}" for name in COLUMNS)
        lines.append(f"| {cell.melanomas} | {cell.scenario} | {cell.discordance:.2f} | {shares} |")
    return [*lines, ""]


def _false_promotions(cells: list[Cell]) -> list[str]:
    lines = [
        "## False promotions", "",
        "Share of candidates promoted that are truly worse by the margin: in MM, in BCC, in both, or on benign "
        "lesions; *half of it before*: champion 5 points worse than the anchor, candidate 5 points worse than the "
        "champion.", "",
        *_table(_false(cells), "worse in"),
        "Over all of these settings, by the number of melanomas:", "",
        "| melanomas | " + " | ".join(NAMES[name] for name in COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS),
    ]  # fmt: skip
    for row in sorted({cell.melanomas for cell in cells}):
        here = [cell for cell in _false(cells) if cell.melanomas == row]
        shares = [f"{np.mean([cell.promoted[name] for cell in here]):.4f}" for name in COLUMNS]
        lines.append(f"| {row} | " + " | ".join(shares) + " |")
    return [*lines, ""]


def _power(cells: list[Cell]) -> list[str]:
    good = [cell for cell in cells if cell.scenario in ("equal", "2 points better")]
    return [
        "## Power", "",
        "Share of candidates promoted that are truly equal, or 2 points better for both MM and BCC.", "",
        *_table(sorted(good, key=lambda cell: (cell.scenario != "equal", cell.melanomas)), "truly"),
    ]  # fmt: skip


def _creep(creep: dict[str, np.ndarray]) -> list[str]:
    lines = [
        "## Small losses that add up", "",
        "20 updates, each truly 2 points of melanoma sensitivity worse than the champion of the moment, on 100 new "
        "melanomas every time. Mean true loss in points after so many updates:", "",
        "| updates | " + " | ".join(NAMES[name] for name in creep) + " |", "|---|" + "---|" * len(creep),
    ]  # fmt: skip
    for update in (1, 5, 10, 20):
        losses = " | ".join(f"{100 * found[update - 1]:.1f}" for found in creep.values())
        lines.append(f"| {update} | {losses} |")
    return [*lines, ""]


def _overuse(overuse: tuple[dict[str, float], dict[str, float]]) -> list[str]:
    ever, lost = overuse
    lines = [
        "## One test set used 50 times", "",
        "100 melanomas. First: share of test sets on which any of 50 candidates was promoted, each worse by the margin "
        "in MM. Second: mean true loss in points after 50 updates, each 2 points worse than the champion of the "
        "moment, all judged on the same patients.", "",
        "| | any false promotion | loss after 50 updates |", "|---|---|---|",
    ]  # fmt: skip
    return [*lines, *[f"| {NAMES[name]} | {ever[name]:.3f} | {100 * lost[name]:.1f} |" for name in ever], ""]


def _reigns(reigns: list[Reign]) -> list[str]:
    lines = [
        "## Gate and shadow mode over one champion's reign", "",
        "20 challengers, each worse by the margin in MM, on one set of test patients and then in shadow mode on as "
        "many confirmed melanomas of new patients, looked at after each. Nothing else holds them back: share of reigns "
        "in which any was promoted, with the one budget of the reign, and with an alpha of its own for each use and "
        "each challenger.", "",
        "| melanomas | one budget | an alpha for each |", "|---|---|---|",
    ]  # fmt: skip
    return [*lines, *[f"| {found.patients} | {found.shared:.3f} | {found.fresh:.3f} |" for found in reigns], ""]


def _shadow(streams: list[Stream]) -> list[str]:
    lines = [
        "## Shadow mode: time to decide", "",
        "Confirmed melanomas, of one patient each, until the e-process shows that the challenger is no worse by the "
        "margin: quartiles over all streams. Beside it a single test of fixed size with power 0.8, and what looking "
        "after every case would do with Tango's test at 5 % and with `>=` (from the tenth case on): share that ever "
        "calls it shown. Where the true difference is the loss of the margin, every such call is wrong.", "",
        "| true difference | discordance | shown within 2,000 | melanomas: quartiles | fixed size "
        "| Tango at every look | `>=` at every look |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for stream in streams:
        quartiles = " / ".join("-" if np.isinf(q) else f"{q:.0f}" for q in stream.quartiles)
        lines.append(
            f"| {100 * stream.difference:+.0f} points | {stream.discordance:.2f} | {stream.decided:.3f} | {quartiles} "
            f"| {stream.fixed or '-'} | {stream.peeking:.3f} | {stream.point:.3f} |"
        )
    return [*lines, ""]


def _clustered(clusters: list[Clustered]) -> list[str]:
    lines = [
        "## Patients with several lesions", "",
        "Type I error of the tests at a nominal 5 %, patients with 1 to 5 lesions whose outcomes correlate so much; in "
        "brackets the same tests when lesions are counted as if they were patients.", "",
        "| patients | correlation | floor | no worse by the margin |", "|---|---|---|---|",
    ]  # fmt: skip
    for cell in clusters:
        lines.append(
            f"| {cell.patients} | {cell.correlation:.1f} | {cell.floor:.3f} ({cell.floor_by_lesion:.3f}) "
            f"| {cell.not_worse:.3f} ({cell.not_worse_by_lesion:.3f}) |"
        )
    return [*lines, ""]


def figure(cells: list[Cell], creep: dict[str, np.ndarray], path: Path) -> None:
    """Three panels: false promotions, power, small losses that add up."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "gate"
    colours = dict(zip(RULES, ("C0", "C9", "C3", "C1", "C7"), strict=True))
    drawn, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4))
    melanomas = sorted({cell.melanomas for cell in cells})
    for name, colour in colours.items():
        false, power = (
            [np.mean([c.promoted[name] for c in chosen if c.melanomas == row]) for row in melanomas]
            for chosen in (_false(cells), [c for c in cells if c.scenario == "equal"])
        )
        left.plot(melanomas, np.maximum(false, 2e-4), marker="o", color=colour, label=name)
        middle.plot(melanomas, power, marker="o", color=colour)
        right.plot(range(1, len(creep[name]) + 1), 100 * creep[name], color=colour)
    left.axhline(POLICY.alpha, color="grey", linestyle="--", linewidth=0.8)
    left.set(title="worse by the margin: promoted", xscale="log", yscale="log", xlabel="melanomas", ylabel="share")
    middle.set(title="truly equal: promoted", xscale="log", xlabel="melanomas", ylim=(0, 1.05))
    right.set(title="each update 2 points worse", xlabel="updates", ylabel="true loss, points", ylim=(0, None))
    for axis in (left, middle):
        axis.set_xticks(melanomas, [str(row) for row in melanomas])
        axis.minorticks_off()
    drawn.legend(*left.get_legend_handles_labels(), loc="lower center", ncols=len(colours), frameon=False)
    drawn.tight_layout(rect=(0, 0.07, 1, 1))
    drawn.savefig(path, metadata={"Date": None})
    plt.close(drawn)
