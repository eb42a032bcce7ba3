"""Referrals that are in hand, answered together by the warm model: each as if it were alone."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.config import Params
from dermai.data.pseudonyms import Pseudonyms
from dermai.inbox.answer import Answer, NamedModel, of_case, without_model
from dermai.inbox.entries import Entry, Scores
from dermai.inbox.sent import HiddenReferral, Row
from dermai.inbox.warm_model import ReadyModel
from dermai.models.inference import predict_with
from dermai.models.learnt_photographs import POOLED_FEATURES, familiarity_features
from dermai.models.reference_backbone import embed
from dermai.triage.cautions import Cautions
from dermai.triage.one_pass import Looked
from dermai.triage.scoring import triage_folder, with_answers
from dermai.triage.second_reading import sort_with_draws
from dermai.triage.unfamiliar import cautions_about
from dermai.triage.worklist import worklist_case
from dermai.workspace import Workspace


@dataclass(frozen=True)
class InHand:
    """A referral whose photographs were looked at: `checks` has the image, `reason` and numbers of each.

    `pixels` has those that can be judged, each once, uint8 [V, S, S, 3] as `ready` takes them in.
    """

    referral: HiddenReferral
    received: datetime
    checks: tuple[Row, ...]
    pixels: dict[str, NDArray[np.uint8]] = field(repr=False)
    ready: ReadyModel | None  # None where no model's answers are shown

    @property
    def reasons(self) -> list[str]:
        """Why each photograph is to be taken again; "" where it can be judged."""
        return [str(check["reason"]) for check in self.checks]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Of all photographs, as the prediction log takes them."""
        return tuple({**row, **check} for row, check in zip(self.referral.rows, self.checks, strict=True))

    @property
    def judged(self) -> list[Row]:
        """The rows of the photographs that can be judged, each once."""
        by_image = {row["image"]: row for row in reversed(self.rows) if not row["reason"]}
        return [by_image[image] for image in dict.fromkeys(row["image"] for row in self.rows) if image in by_image]


def answer_all(
    referrals: Sequence[InHand], workspace: Workspace, params: Params, pseudonyms: Pseudonyms
) -> list[Entry]:
    """An entry for each, in their order, in one pass through the network."""
    entries: dict[int, Entry] = {}
    by_model: dict[int, list[int]] = defaultdict(list)  # two at the most, while the champion moves
    for place, one in enumerate(referrals):
        if one.ready is None or not one.judged:
            entries[place] = _entry(one, without_model(one.referral, one.received, one.reasons))
        else:
            by_model[id(one.ready)].append(place)
    for places in by_model.values():
        those = [referrals[place] for place in places]
        ready = those[0].ready
        assert ready is not None
        entries |= zip(places, _answered(those, ready, workspace, params, pseudonyms), strict=True)
    return [entries[place] for place in range(len(referrals))]


def _answered(
    referrals: Sequence[InHand], ready: ReadyModel, workspace: Workspace, params: Params, pseudonyms: Pseudonyms
) -> list[Entry]:
    package, store = ready.model.package, triage_folder(workspace)
    rows = pd.DataFrame([row for one in referrals for row in one.judged])
    images = list(rows["image"])
    pixels = np.stack([one.pixels[str(row["image"])] for one in referrals for row in one.judged])
    seen = Looked(ready.model.network, images, None)
    look = seen if ready.model.network.is_the_reference else None
    probabilities = predict_with(ready.model.network, partial(_between, pixels), len(images), look=look, clinical=rows)
    scored = with_answers(rows, probabilities, package, ready.threshold, params.triage.largest_set)
    vectors = np.concatenate(seen.pooled) if seen.pooled else embed(images, store, workspace.cache)
    features = None
    if ready.familiarity is not None:
        if ready.familiarity.width == POOLED_FEATURES:
            features = vectors.astype(np.float32)
        elif seen.looks:
            features = np.concatenate(seen.looks)
        else:
            features = familiarity_features(ready.familiarity, images, store, workspace.cache)
    answers = [name for name in scored if name.startswith("p_")] + ["predicted", "diagnoses", "risk"]
    records = scored.to_dict("records")
    kept, cases, first = [], [], 0
    for one in referrals:
        here = slice(first, first + len(one.judged))
        about = None if features is None else features[here]
        found = cautions_about(rows.iloc[here], about, ready.familiarity, params.triage.batch_level)
        cautions = Cautions(ready.cautions, found.of_photograph)
        points = package.operating_points
        cases.append(worklist_case(records[here], params.triage.largest_set, operating_points=points, cautions=cautions))
        kept.append(
            Scores(
                version=ready.model.version,
                rows=tuple({name: record[name] for name in answers} for record in records[here]),
                embeddings=base64.urlsafe_b64encode(vectors[here].astype(np.float16).tobytes()),
                of_run=cautions.of_run,
                cautions={image: tuple(said) for image, said in found.of_photograph.items()},
            )
        )
        first = here.stop
    if params.triage.second_reading > 0:
        patients = {one.referral.case_id: one.referral.patient_id for one in referrals}
        share, version = params.triage.second_reading, ready.model.version
        shown = sort_with_draws(cases, patients, version, share, pseudonyms, ready.sortings)[0]
        by_case = {case.case_id: case for case in shown}
        cases = [by_case[case.case_id] for case in cases]
    model = NamedModel(version=ready.model.version, package_sha256=ready.package_sha256, provisional_until=ready.provisional_until)
    known = ready.familiarity is not None
    return [
        _entry(one, of_case(one.referral, one.received, one.reasons, case, scores.cautions, known, model), scores)
        for one, case, scores in zip(referrals, cases, kept, strict=True)
    ]


def _entry(one: InHand, answer: Answer, scores: Scores | None = None) -> Entry:
    return Entry(
        request=one.referral.request,
        received=one.received,
        case_id=one.referral.case_id,
        patient_id=one.referral.patient_id,
        rows=one.rows,
        answer=answer,
        scores=scores,
    )


def _between(pixels: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint8]:
    return pixels[start:stop]
