"""Referrals that are in hand, answered together by the warm model: each as if it were alone."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.config import Params
from dermai.data.pseudonyms import Pseudonyms
from dermai.inbox.answer import NamedModel, ReferralAnswer, of_case, without_model
from dermai.inbox.entries import AnsweredReferral, Scores, judged_once
from dermai.inbox.sent import HiddenReferral, Row
from dermai.inbox.warm_model import ReadyModel
from dermai.models.inference import predict_with
from dermai.models.learnt_photographs import POOLED_FEATURES, familiarity_features
from dermai.models.reference_backbone import embed
from dermai.triage.cautions import Cautions
from dermai.triage.one_pass import Looked
from dermai.triage.risk import RANK
from dermai.triage.scoring import ANSWER_COLUMNS, triage_folder, with_answers
from dermai.triage.second_reading import as_urgent_as_before, sort_with_draws
from dermai.triage.unfamiliar import cautions_about_each
from dermai.triage.worklist import WorklistCase, worklist_case
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
    before: frozenset[str] = frozenset()  # levels of the case's earlier photographs

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
        return judged_once(self.rows)


def answer_all(
    referrals: Sequence[InHand], workspace: Workspace, params: Params, pseudonyms: Pseudonyms
) -> list[AnsweredReferral]:
    """An entry for each, in their order, in one pass through the network."""
    entries: dict[int, AnsweredReferral] = {}
    by_model: dict[int, list[int]] = defaultdict(list)  # two at the most, while the champion moves
    for place, one in enumerate(referrals):
        if one.ready is None or not one.judged:
            entries[place] = _entry(one, without_model(one.referral, one.received, one.reasons, one.before), pseudonyms)
        else:
            by_model[id(one.ready)].append(place)
    for places in by_model.values():
        those = [referrals[place] for place in places]
        ready = those[0].ready
        assert ready is not None
        entries |= zip(places, _answered(those, ready, workspace, params, pseudonyms), strict=True)
    return [entries[place] for place in range(len(referrals))]


class _Seen(NamedTuple):
    """What one pass shows of photographs: the rows with answers, embeddings [N, D], features for the familiarity."""

    rows: list[dict[str, Any]]
    vectors: NDArray[Any]
    features: NDArray[np.float32] | None


def _answered(
    referrals: Sequence[InHand], ready: ReadyModel, workspace: Workspace, params: Params, pseudonyms: Pseudonyms
) -> list[AnsweredReferral]:
    rows = pd.DataFrame([row for one in referrals for row in one.judged])
    pixels = np.stack([one.pixels[str(row["image"])] for one in referrals for row in one.judged])
    seen = _look(rows, pixels, ready, workspace, params)
    kept, cases, first = [], [], 0
    for one in referrals:
        here = slice(first, first + len(one.judged))
        first = here.stop
        about = None if seen.features is None else seen.features[here]
        cautions = Cautions(ready.cautions, cautions_about_each(rows.iloc[here], about, ready.familiarity))
        points, largest = ready.model.package.operating_points, params.triage.largest_set
        cases.append(worklist_case(seen.rows[here], largest, operating_points=points, cautions=cautions))
        kept.append(_scores(ready, seen.rows[here], seen.vectors[here], cautions))
    model = NamedModel(
        version=ready.model.version, package_sha256=ready.package_sha256, provisional_until=ready.provisional_until
    )
    known = ready.familiarity is not None
    shown = _as_shown(referrals, cases, ready, params, pseudonyms)
    return [
        _entry(
            one,
            of_case(one.referral, one.received, one.reasons, case, scores.cautions, known, model),
            pseudonyms,
            scores,
        )
        for one, case, scores in zip(referrals, shown, kept, strict=True)
    ]


def _look(
    rows: pd.DataFrame, pixels: NDArray[np.uint8], ready: ReadyModel, workspace: Workspace, params: Params
) -> _Seen:
    network, store, images = ready.model.network, triage_folder(workspace), list(rows["image"])
    seen = Looked(network, images, None)
    look = seen if network.is_the_reference else None
    probabilities = predict_with(network, partial(_between, pixels), len(images), look=look, clinical=rows)
    scored = with_answers(rows, probabilities, network.package, ready.threshold, params.triage.largest_set)
    vectors = np.concatenate(seen.pooled) if seen.pooled else embed(images, store, workspace.cache)
    features = None
    if ready.familiarity is not None:
        if ready.familiarity.width == POOLED_FEATURES:
            features = vectors.astype(np.float32)
        elif seen.looks:
            features = np.concatenate(seen.looks)
        else:
            features = familiarity_features(ready.familiarity, images, store, workspace.cache)
    names, columns = [str(name) for name in scored], [scored[name].tolist() for name in scored]
    said = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return _Seen(said, vectors, features)


def _scores(ready: ReadyModel, rows: Sequence[dict[str, Any]], vectors: NDArray[Any], about: Cautions) -> Scores:
    """What the prediction log will have."""
    answers = [name for name in rows[0] if name.startswith("p_") or name in ANSWER_COLUMNS]
    return Scores(
        version=ready.model.version,
        rows=tuple({name: row[name] for name in answers} for row in rows),
        embeddings=base64.urlsafe_b64encode(vectors.astype(np.float16).tobytes()),
        of_run=about.of_run,
        cautions={image: tuple(said) for image, said in about.of_photograph.items()},
    )


def _as_shown(
    referrals: Sequence[InHand],
    cases: Sequence[WorklistCase],
    ready: ReadyModel,
    params: Params,
    pseudonyms: Pseudonyms,
) -> list[WorklistCase]:
    """The cases without the answers of those that are drawn for a second reading."""
    before: dict[str, str] = {}
    for one in referrals:
        if one.before:
            case = one.referral.case_id
            sorted_as = {ready.earlier.last[case]} if case in ready.earlier.last else set()
            before[case] = min(one.before | sorted_as, key=RANK.__getitem__)
    cases = as_urgent_as_before(cases, before)
    share = params.triage.second_reading
    if share <= 0:
        return list(cases)
    patients = {one.referral.case_id: one.referral.patient_id for one in referrals}
    shown, _ = sort_with_draws(cases, patients, share, pseudonyms, ready.earlier, params.triage.hidden)
    by_case = {case.case_id: case for case in shown}
    return [by_case[case.case_id] for case in cases]


def _entry(
    one: InHand, answer: ReferralAnswer, pseudonyms: Pseudonyms, scores: Scores | None = None
) -> AnsweredReferral:
    return AnsweredReferral(
        request=one.referral.request,
        received=one.received,
        case_id=one.referral.case_id,
        patient_id=one.referral.patient_id,
        rows=one.rows,
        answer=answer,
        scores=scores,
        sealed_number=pseudonyms.sealed(one.referral.sent.fields["case_id"].strip()),
    )


def _between(pixels: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint8]:
    return pixels[start:stop]
