"""False alarms and detection of drift on real photographs, ours beside Evidently's embedding methods, in one run.

    python -m benchmarks.drift.drift_detection --data ../shared/data --cache /tmp/drift --windows 200

Reference and window are drawn anew each time, from different patients (lesions in HAM10000), 400 photographs against
50, 100 or 200. Every method sees the same pairs. The scores that are watched come from a logistic regression on the
reference features: it stands where a champion would, and what is measured is the watching. Writes
benchmarks/results/drift_detection.{md,csv,svg}.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.folders import RESULTS
from dermai.images.acquisition import ACQUISITION, acquisition_properties
from monitoring.statistics.columns import changed_columns, one_row_a_patient
from monitoring.statistics.estimated_sensitivity import estimate_sensitivity
from monitoring.statistics.looks import Looks, holm
from monitoring.statistics.mmd import embedding_change
from monitoring.statistics.new_group import new_group

REFERENCE = 400
SIZES = (50, 100, 200)
NOMINAL = 0.05


def _gain(*gains: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: Image.fromarray(np.clip(np.asarray(image) * np.array(gains), 0, 255).round().astype(np.uint8))


def _jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    def compress(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return compress


CONDITIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "clean": lambda image: image,
    "darker_10": _gain(0.9, 0.9, 0.9),
    "darker_25": _gain(0.75, 0.75, 0.75),
    "blur_1": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "blur_2": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "jpeg_40": _jpeg(40),
    "jpeg_15": _jpeg(15),
    "cast_5": _gain(1.05, 1, 0.95),
    "cast_12": _gain(1.12, 1, 0.88),
}
MODEL_BOOTSTRAP, MODEL = "Evidently: model, bootstrap (library default)", "Evidently: model"
DISTANCE_BOOTSTRAP, DISTANCE = "Evidently: distance, bootstrap", "Evidently: distance"
RATIO, MMD_BOOTSTRAP, MMD = "Evidently: ratio", "Evidently: mmd, bootstrap", "Evidently: mmd"
THEIRS = frozenset({MODEL_BOOTSTRAP, MODEL, DISTANCE_BOOTSTRAP, DISTANCE, RATIO, MMD_BOOTSTRAP, MMD})
HOPELESS = 0.5  # false alarms in the first 60 windows above which a method is not run on further ones
LABELS = {
    "darker_10": "10 % darker", "darker_25": "25 % darker", "blur_1": "blur, sigma 1 px", "blur_2": "blur, sigma 2 px",
    "jpeg_40": "JPEG quality 40", "jpeg_15": "JPEG quality 15", "cast_5": "red +5 %, blue -5 %",
    "cast_12": "red +12 %, blue -12 %", "site": "HAM10000: another site (rosendahl against vidir_modern)",
    "mixed_10": "10 % HAM10000 among PAD-UFES-20", "mixed_30": "30 % HAM10000 among PAD-UFES-20",
    "prevalence_bcc": "PAD-UFES-20: BCC from 31 % to 60 %", "prevalence_mm": "HAM10000: MM doubled",
}  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """Photographs that a window or a reference is drawn from."""

    patients: NDArray[np.str_]
    lesions: NDArray[np.str_]
    labels: NDArray[np.str_]
    embeddings: NDArray[np.float32]
    scores: NDArray[np.float64]  # out of fold
    properties: pd.DataFrame

    def take(self, rows: NDArray[np.intp]) -> Pool:
        return Pool(
            self.patients[rows],
            self.lesions[rows],
            self.labels[rows],
            self.embeddings[rows],
            self.scores[rows],
            self.properties.iloc[rows].reset_index(drop=True),
        )


def measured(files: list[Path], condition: str, cache: Path, name: str) -> tuple[NDArray[np.float32], pd.DataFrame]:
    """Embeddings and acquisition properties of photographs under a condition, computed once."""
    vectors, table = cache / f"{name}_{condition}.npy", cache / f"{name}_{condition}.csv"
    change = CONDITIONS[condition]
    if not table.is_file():
        rows = [acquisition_properties(np.asarray(change(Image.open(file).convert("RGB")))) for file in files]
        pd.DataFrame(rows).to_csv(table, index=False)
    if not vectors.is_file():
        np.save(vectors, _embed([change(Image.open(file).convert("RGB")) for file in files]))
    return np.load(vectors), pd.read_csv(table)


def _embed(images: list[Image.Image]) -> NDArray[np.float32]:
    from dermai.models.reference_backbone import REFERENCE_SIZE, embed_pixels

    size = (REFERENCE_SIZE, REFERENCE_SIZE)

    def read(start: int, stop: int) -> NDArray[np.uint8]:
        return np.stack([np.asarray(image.resize(size, Image.Resampling.BILINEAR)) for image in images[start:stop]])

    return embed_pixels(read, len(images), progress=True).astype(np.float32)


def pools(data: Path, cache: Path) -> dict[str, Pool]:
    """Every condition of PAD-UFES-20 and the sites of HAM10000, with out-of-fold scores."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pad = pd.read_csv(data / "pad_ufes_20" / "metadata.csv")
    ham = pd.read_csv(data / "ham10000" / "HAM10000_metadata.csv")
    pad_files = [data / "pad_ufes_20" / "images" / f"{Path(name).stem}.jpg" for name in pad["img_id"]]
    ham_files = [data / "ham10000" / "HAM10000_images" / f"{name}.jpg" for name in ham["image_id"]]

    def folds(vectors: NDArray[np.float32], labels: NDArray[np.str_], patients: NDArray[np.str_]) -> Iterator:
        for train, held_out in GroupKFold(5, shuffle=True, random_state=0).split(vectors, labels, patients):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
            yield model.fit(vectors[train], labels[train]), held_out

    found: dict[str, Pool] = {}
    pad_vectors, _ = measured(pad_files, "clean", cache, "pad")
    pad_labels, pad_patients = pad["diagnostic"].to_numpy(str), pad["patient_id"].to_numpy(str)
    pad_lesions = pad["patient_id"].astype(str) + "/" + pad["lesion_id"].astype(str)
    models = list(folds(pad_vectors, pad_labels, pad_patients))
    for condition in CONDITIONS:
        vectors, properties = measured(pad_files, condition, cache, "pad")
        scores = np.zeros((len(pad), 6))
        for model, held_out in models:
            scores[held_out] = model.predict_proba(vectors[held_out])
        found[f"pad_{condition}"] = Pool(
            pad_patients, pad_lesions.to_numpy(str), pad_labels, vectors, scores, properties
        )
    vectors, properties = measured(ham_files, "clean", cache, "ham")
    labels, lesions = ham["dx"].to_numpy(str), ham["lesion_id"].to_numpy(str)
    among = np.mean([model.predict_proba(vectors) for model, _ in models], axis=0)
    found["ham_among_pad"] = Pool(lesions, lesions, labels, vectors, among, properties)
    scores = np.zeros((len(ham), 7))
    for model, held_out in folds(vectors, labels, lesions):
        scores[held_out] = model.predict_proba(vectors[held_out])
    whole = Pool(lesions, lesions, labels, vectors, scores, properties)
    for site in ("vidir_modern", "rosendahl"):
        found[f"ham_{site}"] = whole.take(np.flatnonzero(ham["dataset"].to_numpy() == site))
    return found


def draw(
    pool: Pool, size: int, generator: np.random.Generator, shares: tuple[str, float] | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of a window and of a reference, from different patients; optionally a class's share in the window."""
    order = generator.permutation(np.unique(pool.patients))
    rank = pd.Series(range(len(order)), index=order)[pool.patients].to_numpy()
    rows = np.argsort(rank, kind="stable")
    if shares is None:
        window = rows[:size]
    else:
        is_class = pool.labels[rows] == shares[0]
        wanted = round(size * shares[1])
        window = np.concatenate([rows[is_class][:wanted], rows[~is_class][: size - wanted]])
    rest = rows[~np.isin(pool.patients[rows], pool.patients[window])]
    return window, rest[:REFERENCE]


def ours(window: Pool, reference: Pool, draws: int, generator: np.random.Generator) -> dict[str, float]:
    """Our p-values: each family, and all with Holm."""
    mine = embedding_change(
        window.embeddings, reference.embeddings, window.patients, reference.patients, draws, generator
    ).p_value
    one, other = window.take(one_row_a_patient(window.patients)), reference.take(one_row_a_patient(reference.patients))
    names = [f"p_{position}" for position in range(window.scores.shape[1])]
    scores = changed_columns(pd.DataFrame(one.scores, columns=names), pd.DataFrame(other.scores, columns=names), names)
    acquisition = changed_columns(one.properties, other.properties, ACQUISITION)
    apart = new_group(
        window.embeddings, reference.embeddings, window.patients, reference.patients, draws, generator
    ).p_value
    families = {
        "photographs": min(1.0, 2 * min(mine, apart)),
        "scores": scores[0].p_value,
        "acquisition": acquisition[0].p_value,
    }
    return {
        "dermai: permutation MMD": mine,
        "dermai: new group": apart,
        "dermai: BBSD": families["scores"],
        "dermai: acquisition": families["acquisition"],
        "dermai: all, Holm": min(holm(families).values()),
    }


def evidently_alarms(window: Pool, reference: Pool, wanted: frozenset[str]) -> dict[str, bool]:
    """Evidently's drift methods for embeddings, each called once; a name without further words is the default.

    A method and its bootstrap return the same score, so the plain one's answer is read from that score.
    """
    from evidently.legacy.metrics.data_drift import embedding_drift_methods as methods

    names = [f"e{position}" for position in range(window.embeddings.shape[1])]

    def run(method: Callable) -> tuple[float, bool]:
        current = pd.DataFrame(window.embeddings, columns=names)
        score, alarm, _ = method(current, pd.DataFrame(reference.embeddings, columns=names))
        return float(score), bool(alarm)

    found: dict[str, bool] = {}
    if wanted & {MODEL_BOOTSTRAP, MODEL}:
        score, found[MODEL_BOOTSTRAP] = run(methods.model(bootstrap=True))
        found[MODEL] = score > methods.model().threshold
    if wanted & {DISTANCE_BOOTSTRAP, DISTANCE}:
        score, found[DISTANCE_BOOTSTRAP] = run(methods.distance(bootstrap=True))
        found[DISTANCE] = score > methods.distance().threshold
    if RATIO in wanted:
        found[RATIO] = run(methods.ratio())[1]
    if MMD_BOOTSTRAP in wanted:
        score, found[MMD_BOOTSTRAP] = run(methods.mmd(bootstrap=True))
        found[MMD] = score > methods.mmd().threshold
    elif MMD in wanted:
        found[MMD] = run(methods.mmd())[1]
    return {name: alarm for name, alarm in found.items() if name in wanted}


def remember_random_scores() -> None:
    """Evidently scores the same 100 random predictions for every window of one size: keep them."""
    from evidently.legacy.metrics.data_drift import embedding_drift_methods as methods

    computed, known = methods.calc_roc_auc_random, {}

    def remembered(y_test: pd.Series, draw: int) -> float:
        key = (y_test.to_numpy().tobytes(), draw)
        if key not in known:
            known[key] = computed(y_test, draw)
        return known[key]

    methods.calc_roc_auc_random = remembered


def one_window(
    condition: str, size: int, everything: dict[str, Pool], seed: int, draws: int, theirs: frozenset[str]
) -> tuple[list[dict], Pool, Pool]:
    """All methods on one pair of window and reference."""
    generator = np.random.default_rng(seed)
    clean = everything["pad_clean"]
    if condition in ("null_ham", "site", "prevalence_mm"):
        home = everything["ham_vidir_modern"]
        shares = ("mel", 2 * float((home.labels == "mel").mean())) if condition == "prevalence_mm" else None
        window_rows, reference_rows = draw(home, size, generator, shares)
        window, reference = home.take(window_rows), home.take(reference_rows)
        if condition == "site":
            other = everything["ham_rosendahl"]
            window = other.take(draw(other, size, generator)[0])
    else:
        shares = ("BCC", 0.6) if condition == "prevalence_bcc" else None
        window_rows, reference_rows = draw(clean, size, generator, shares)
        reference = clean.take(reference_rows)
        window = everything.get(f"pad_{condition}", clean).take(window_rows)
        if condition.startswith("mixed"):
            guests = round(size * int(condition[-2:]) / 100)
            other = everything["ham_among_pad"].take(generator.permutation(3481)[:guests])
            window = Pool(
                np.r_[window.patients[guests:], other.patients],
                np.r_[window.lesions[guests:], other.lesions],
                np.r_[window.labels[guests:], other.labels],
                np.r_[window.embeddings[guests:], other.embeddings],
                np.r_[window.scores[guests:], other.scores],
                pd.concat([window.properties[guests:], other.properties], ignore_index=True),
            )
    p_values = ours(window, reference, draws, generator)
    act = Looks(NOMINAL, NOMINAL, 52).act_each_look
    key = {"condition": condition, "size": size, "seed": seed}
    rows = [{**key, "method": name, "alarm": p <= NOMINAL, "act": p <= act} for name, p in p_values.items()]
    alarms = evidently_alarms(window, reference, theirs)
    rows += [{**key, "method": name, "alarm": alarm, "act": False} for name, alarm in alarms.items()]
    return rows, window, reference


def coverage(window: Pool, reference: Pool, seed: int, key: dict) -> list[dict]:
    """Whether CBPE's band holds the sensitivity that the window really had."""
    found = []
    melanoma = 4 if window.scores.shape[1] == 7 else 3  # classes stand in alphabetical order
    for name, position in (("MM", melanoma), ("BCC", 1)):
        label = {"MM": "mel", "BCC": "bcc"}[name]
        truth, called = np.char.lower(window.labels) == label, window.scores.argmax(axis=1) == position
        band = estimate_sensitivity(
            name, window.scores[:, position], called, reference.scores[:, position],
            np.char.lower(reference.labels) == label, 0.95, 200, np.random.default_rng(seed),
            window_lesions=window.lesions, reference_patients=reference.patients,
        )  # fmt: skip
        real = float(called[truth].mean()) if truth.any() else None
        said = band.estimate is not None
        inside = bool(said and real is not None and band.low <= real <= band.high)
        width = band.high - band.low if said else None
        found.append({**key, "class": name, "said": said, "real": real, "inside": inside, "width": width})
    return found


def main() -> None:
    """Run everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=200, help="windows without drift")
    parser.add_argument("--drifted", type=int, default=30, help="windows of each drift")
    parser.add_argument("--draws", type=int, default=4999)
    parser.add_argument("--size", type=int, choices=SIZES, help="only this window size, kept in the cache for a merge")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    if options.size:
        one_size(options.size, options)
    else:
        for size in SIZES:
            if not (options.cache / f"rows_{size}.csv").is_file():
                one_size(size, options)
        kept = [[pd.read_csv(options.cache / f"{name}_{size}.csv") for size in SIZES] for name in ("rows", "bands")]
        write(pd.concat(kept[0]), pd.concat(kept[1]))


def one_size(size: int, options: argparse.Namespace) -> None:
    """All windows of one size, kept in the cache when they are done."""
    everything = pools(options.data, options.cache)
    remember_random_scores()
    rows: list[dict] = []
    bands: list[dict] = []
    started = time.monotonic()
    for condition in ("null_pad", *LABELS, "null_ham"):
        null = condition.startswith("null")
        for seed in range(options.windows if null else options.drifted):
            theirs = frozenset(name for name in THEIRS if condition != "null_ham" and _worth(rows, name, seed, null))
            found, window, reference = one_window(condition, size, everything, seed, options.draws, theirs)
            rows += found
            if null:
                bands += coverage(window, reference, seed, {"condition": condition, "size": size})
        print(f"{size} {condition} {time.monotonic() - started:.0f} s", flush=True)
    pd.DataFrame(bands).to_csv(options.cache / f"bands_{size}.csv", index=False)
    pd.DataFrame(rows).to_csv(options.cache / f"rows_{size}.csv", index=False)


def _worth(rows: list[dict], method: str, seed: int, null: bool) -> bool:
    """Whether more windows would say anything of a method that alarms without drift."""
    alarms = [row["alarm"] for row in rows if row["method"] == method and row["condition"] == "null_pad"]
    return seed < (60 if null else 5) or float(np.mean(alarms)) <= HOPELESS


def write(rows: pd.DataFrame, bands: pd.DataFrame) -> None:
    """The tables and the plot."""
    RESULTS.mkdir(exist_ok=True)
    rates = rows.groupby(["method", "condition", "size"], sort=False)["alarm"].agg(["sum", "count"]).reset_index()
    rates.columns = pd.Index(["method", "condition", "size", "alarms", "windows"])
    act = rows.groupby(["method", "condition", "size"], sort=False)["act"].sum().reset_index(name="act")
    rates = rates.merge(act)
    rates.to_csv(RESULTS / "drift_detection.csv", index=False)
    lines = ["# Drift on real photographs", "", __doc__.strip().splitlines()[0], ""]
    lines += _tables(rates) + _bands(bands)
    (RESULTS / "drift_detection.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _plot(rates)


def _tables(rates: pd.DataFrame) -> list[str]:
    from scipy.stats import binom

    lines = []
    names = {"null_pad": "no drift, PAD-UFES-20", "null_ham": "no drift, HAM10000 (vidir_modern)", **LABELS}
    share = rates.assign(rate=rates["alarms"] / rates["windows"])
    for size in SIZES:
        here = share[share["size"] == size]
        windows = int(here.loc[here["condition"] == "null_pad", "windows"].iloc[0])
        most = binom.ppf(0.975, windows, NOMINAL) / windows
        table = here.pivot_table(index="condition", columns="method", values="rate", sort=False)
        methods = list(table.columns)
        lines += [
            f"## Windows of {size} photographs", "",
            f"Share of windows with an alarm ({HOPELESS:.0%} and more in the first 60 without drift: not run further). "
            f"Without drift: {windows} windows each; at the nominal {NOMINAL:.0%} at "
            f"most {most:.1%} are expected in 39 runs of 40.", "",
            "| | " + " | ".join(methods) + " | called to act (dermai) |",
            "|---|" + "---|" * (len(methods) + 1),
        ]  # fmt: skip
        for condition, name in names.items():
            if condition in table.index:
                values = " | ".join(f"{table.loc[condition, method]:.2f}" for method in methods)
                row = here[(here["condition"] == condition) & (here["method"] == "dermai: all, Holm")].iloc[0]
                lines.append(f"| {name} | {values} | {row['act'] / row['windows']:.2f} |")
        lines.append("")
    return lines


def _bands(bands: pd.DataFrame) -> list[str]:
    lines = [
        "## Does CBPE's 95 % band hold the window's true sensitivity?", "",
        "Out-of-fold logistic regression on the embeddings. `no answer`: the band was withheld because the reference "
        "or the window holds too few cases; `covered` is over the windows with an answer "
        "and at least one case.", "",
        "| | size | class | windows | no answer | covered | mean width |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for (condition, size, name), group in bands.groupby(["condition", "size", "class"], sort=False):
        judged = group[group["said"] & group["real"].notna()]
        covered = f"{judged['inside'].mean():.1%}" if len(judged) else "-"
        width = f"{judged['width'].mean():.2f}" if len(judged) else "-"
        silent = f"{1 - group['said'].mean():.0%}"
        lines.append(f"| {condition} | {size} | {name} | {len(group)} | {silent} | {covered} | {width} |")
    return lines


def _plot(rates: pd.DataFrame) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(SIZES), figsize=(13, 4.2), sharey=True)
    for axis, size in zip(axes, SIZES, strict=True):
        here = rates[rates["size"] == size]
        for method, group in here.groupby("method", sort=False):
            null = group["condition"].str.startswith("null")
            alarms = group.loc[null, "alarms"].sum() / group.loc[null, "windows"].sum()
            found = (group.loc[~null, "alarms"] / group.loc[~null, "windows"]).mean()
            mine = str(method).startswith("dermai")
            axis.scatter(alarms, found, s=45, marker="o" if mine else "x", color="C0" if mine else "C3")
            axis.annotate(
                str(method).split(": ")[1], (alarms, found), fontsize=7, xytext=(4, 3), textcoords="offset points"
            )
        axis.axvline(NOMINAL, color="grey", linewidth=0.8, linestyle="--")
        axis.set(title=f"windows of {size}", xlabel="false alarms", xlim=(-0.03, 1.25), ylim=(0, 1.05))
    axes[0].set_ylabel("detection, mean over the drifts")
    figure.tight_layout()
    figure.savefig(RESULTS / "drift_detection.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
