"""Between champion and candidate: the mix of their weights that validation likes best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from dermai.training.batch_norm import recompute_batch_norm

if TYPE_CHECKING:
    from torch import Tensor

    from dermai.config import Params
    from dermai.training.phases import PhasedTraining


class MixScore(BaseModel):
    """One mix on the validation photographs; `share` is the candidate's part of the weights."""

    model_config = ConfigDict(frozen=True)

    share: float
    balanced_accuracy: float | None
    loss: float | None
    gated_sensitivity: dict[str, float] = {}  # of the gated classes among the validation photographs


def mix_weights(champion: Mapping[str, Tensor], candidate: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """`(1 - share) * champion + share * candidate`, tensor by tensor.

    A head that was widened has the champion's classes first: only these rows are mixed, the new ones are the
    candidate's. Counters are the candidate's too, but at share 0, which is the champion to the last bit.
    """
    mixed = {}
    for name, theirs in candidate.items():
        ours = champion[name].to(theirs.device)
        if not theirs.is_floating_point():
            mixed[name] = (theirs if share else ours).clone()
            continue
        mixed[name] = theirs.clone()
        mixed[name][: len(ours)] = theirs[: len(ours)].lerp(ours, 1 - share)
    return mixed


def choose_mix(scores: Sequence[MixScore], champion: MixScore) -> MixScore:
    """The best balanced accuracy (then the lowest loss) among mixes no less sensitive to any gated class.

    The champion itself is the answer where no mix is better.

    >>> champion = MixScore(share=0, balanced_accuracy=0.5, loss=1.0, gated_sensitivity={"MM": 0.8})
    >>> bolder = MixScore(share=1, balanced_accuracy=0.7, loss=0.9, gated_sensitivity={"MM": 0.6})
    >>> careful = MixScore(share=0.5, balanced_accuracy=0.6, loss=0.9, gated_sensitivity={"MM": 0.8})
    >>> choose_mix([champion, careful, bolder], champion).share
    0.5
    """
    allowed = [
        score
        for score in scores
        if all(score.gated_sensitivity[name] >= least for name, least in champion.gated_sensitivity.items())
    ]
    return max(
        [champion, *allowed],
        key=lambda score: (score.balanced_accuracy or 0.0, -(score.loss or 0.0)),
    )


def interpolate(
    phases: PhasedTraining, champion: Mapping[str, Tensor], classes: Sequence[str], params: Params
) -> tuple[MixScore, list[MixScore]]:
    """Try each mix of the champion's tail with the trained one, leave the best in place; it and all scores.

    BatchNorm statistics are recomputed for every mix but the champion itself. Without validation photographs there
    is nothing to choose by, and the trained weights stay.
    """
    candidate = {name: tensor.clone() for name, tensor in phases.tail.state_dict().items()}
    if not any(label >= 0 for label in phases.photographs.validation_labels):
        return MixScore(share=1.0, balanced_accuracy=None, loss=None), []

    def place(share: float) -> None:
        phases.tail.load_state_dict(mix_weights(champion, candidate, share))
        if share > 0:
            recompute_batch_norm(phases.tail, phases.training_inputs(), phases.processes)

    scores = []
    for share in sorted({0.0, *params.continual.interpolation}):
        place(share)
        scores.append(_score(share, phases, classes, params.gate.gated_classes))
    chosen = choose_mix(scores, scores[0])
    place(chosen.share)
    return chosen, scores


def _score(share: float, phases: PhasedTraining, classes: Sequence[str], gated: Sequence[str]) -> MixScore:
    from dermai.training.fitting import score_logits

    logits, labels = phases.validation_logits(), phases.photographs.validation_labels
    score = score_logits(logits, labels)
    predicted = logits.argmax(1).tolist()
    sensitivity = {}
    for name in gated:
        cases = [p for p, label in zip(predicted, labels, strict=True) if label >= 0 and classes[label] == name]
        if cases:
            sensitivity[name] = sum(classes[p] == name for p in cases) / len(cases)
    return MixScore(
        share=share, balanced_accuracy=score.balanced_accuracy, loss=score.loss, gated_sensitivity=sensitivity
    )
