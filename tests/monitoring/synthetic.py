"""Windows and references without photographs: embeddings, scores and columns drawn by a program."""

from __future__ import annotations

import numpy as np
import pandas as pd

from monitoring.statistics.photographs import ScoredPhotographs

CLASSES = ("MM", "BCC", "Nev", "SebKer")
SHARES = {"MM": 0.12, "BCC": 0.12, "Nev": 0.46, "SebKer": 0.3}
CENTRES = dict(zip(CLASSES, np.eye(4, 24) * 4, strict=True))


def photographs(
    seed: int,
    count: int,
    shares: dict[str, float] = SHARES,
    sites: tuple[str, ...] = ("Porto", "Braga"),
    older: float = 0.0,
    dark: float = 0.0,
    new_class: float = 0.0,
) -> ScoredPhotographs:
    """Photographs of `count` patients, one each, with calibrated scores; `dark` moves light and embeddings."""
    generator = np.random.default_rng(seed)
    truth = generator.choice(CLASSES, count, p=[shares[name] for name in CLASSES])
    embeddings = np.stack([CENTRES[name] for name in truth]) + generator.normal(size=(count, 24))
    new = generator.random(count) < new_class
    embeddings[new] += np.eye(24)[20] * 9
    logits = 1.3 * embeddings[:, :4] + np.log([SHARES[name] for name in CLASSES])
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    embeddings[:, 10:16] -= 2.5 * dark
    table = pd.DataFrame(
        {
            "image": [f"{seed:04d}{number:060d}" for number in range(count)],
            "patient_id": [f"{seed}-{number}" for number in range(count)],
            "lesion_id": [f"{seed}-{number}" for number in range(count)],
            "case_id": [f"{seed}-{number}" for number in range(count)],
            "diagnosis": truth,
            "predicted": np.array(CLASSES)[scores.argmax(axis=1)],
            **{f"p_{name}": scores[:, place] for place, name in enumerate(CLASSES)},
            "brightness": generator.normal(150 - 40 * dark, 15, count),
            "contrast": generator.normal(30, 5, count),
            "sharpness": generator.normal(200 - 120 * dark, 30, count),
            "redness": generator.normal(0.4, 0.01, count),
            "blueness": generator.normal(0.27, 0.01, count),
            "shorter_side": 448.0,
            "age": generator.normal(55 + older, 12, count),
            "sex": generator.choice(["female", "male"], count),
            "site": generator.choice(sites, count),
            "device": "phone",
            "body_site": generator.choice(["arm", "leg", "back"], count),
            "view": "macroscopic",
            "skin_type": "",
        }
    )
    return ScoredPhotographs(table, embeddings.astype(np.float32))


def without_diagnoses(window: ScoredPhotographs) -> ScoredPhotographs:
    """As referrals come in."""
    return ScoredPhotographs(window.table.assign(diagnosis=""), window.embeddings)
