"""Linear heads on what a frozen network sees, refitted on everything that is known.

Nothing is forgotten, since nothing is left out, and features are computed once a photograph. Beside the model that
answers patients its sisters are fitted, each without one fold of the patients: their answers choose whatever is chosen.
That is the fast speed; `dermai.training.fine_tuning` is what the slow one adds.
"""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.config import Params, model_parameters, network_parameters
from dermai.continual.plan import UpdatePlan
from dermai.data.cases import trainable
from dermai.files import sha256_json
from dermai.models.clinical_model import fit_clinical
from dermai.models.fine_tuned import FineTunedNetworks
from dermai.models.linear_head import LinearHead, fit_linear_head
from dermai.models.package import MANIFEST_COLUMNS, ModelPackage
from dermai.models.photograph_network import feature_blocks
from dermai.models.seen_features import NetworkLogits, network_logits, package_features
from dermai.models.sisters import LinearParts, Member
from dermai.models.stored_weights import StoredWeights, weights_file
from dermai.source_code import source_hash
from dermai.training.out_of_fold import with_chosen
from dermai.training.starting_model import CannotTrain, class_list
from dermai.training.summary import FineTuningSummary, TrainingSummary
from dermai.training.withdrawal import forget_withdrawn

if TYPE_CHECKING:
    from torch import Tensor

FineTune = Callable[[pd.DataFrame], FineTunedNetworks | None]  # from the rows that are learnt


def refit(
    plan: UpdatePlan,
    cases: pd.DataFrame,
    data_folder: Path,
    params: Params,
    parent: ModelPackage | None,
    cache: Path,
    progress: bool = True,
    fine_tune: FineTune | None = None,
) -> ModelPackage:
    """A model and its sisters for all training photographs in `cases`, with everything chosen that is chosen.

    An update starts each head from the same member of the parent, where that has the same network. `fine_tune` gives
    the fine-tuned networks beside the heads, where the model is to have some.

    Raises:
        CannotTrain: the plan is empty, or the photographs are of fewer than two classes.
        InvalidCases: a photograph is missing or damaged.
        WeightsUnavailable: the network's weights cannot be had.
    """
    started = time.perf_counter()
    rows = trainable(cases)
    learnt = rows[rows["split"] == "train"].sort_values("image").reset_index(drop=True)
    if plan.mode == "nothing" or learnt.empty:
        raise CannotTrain("there are no training photographs with a diagnosis: import cases first")
    classes = class_list(parent.classes if parent else (), list(learnt["diagnosis"]))
    if learnt["diagnosis"].nunique() < 2:
        raise CannotTrain(f"all training photographs are {classes[0]}: a model needs two classes or more")
    forget_withdrawn(cache, plan.removed)

    bare = without_parts(params, classes, learnt)
    features = package_features(bare, list(learnt["image"]), data_folder, cache, progress)
    tuned = fine_tune(learnt) if fine_tune else None
    measured = time.perf_counter()
    earlier = _same_network(parent, bare) if plan.mode == "update" else None
    made_from = replace(bare, parent=parent.sha256 if parent else None, fine_tuned=tuned)
    networks = network_logits(made_from, list(learnt["image"]), data_folder, cache, progress)
    found = with_linear_parts(made_from, learnt, features, params, earlier, networks)
    summary = TrainingSummary(
        mode=plan.mode,
        strategy=params.training.learner,
        started_from=f"package {parent.sha256}" if earlier and parent else f"{params.model.pretrained} weights",
        photographs=dict(sorted(Counter(learnt["diagnosis"]).items())),
        validation_photographs=len(found.validation),
        seed=params.seed,
        device="cpu",
        processes=1,
        mixed_precision="no",
        seconds=round(time.perf_counter() - started, 1),
        seconds_before_the_first_epoch=round(measured - started, 1),
        images_per_second=None,
        peak_memory_mb={"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024},
        best_epoch=None,
        history=(),
        interpolation=(),
        interpolation_chosen=None,
        speed=plan.speed,
        speed_reason=plan.speed_reason,
        fine_tuning=FineTuningSummary.model_validate(tuned.made) if tuned else None,
    )
    return replace(found, training=summary.model_dump(mode="json"))


def refit_key(
    plan: UpdatePlan,
    cases: pd.DataFrame,
    params: Params,
    parent: ModelPackage | None,
    champion: ModelPackage | None = None,
) -> str:
    """Hash of everything that the refitted model depends on; `champion` gives the fine-tuned networks."""
    from dermai.models.backbones import weights_sha256

    used = cases[cases["split"] != "test"].sort_values("image")
    return sha256_json(
        {
            "plan": plan.model_dump(mode="json", exclude={"test_changes"}),
            "cases": used.to_csv(index=False),
            "params": model_parameters(params),
            "false_flags": params.triage.false_flags,
            "network": network_parameters(params) if plan.speed == "slow" else None,
            "parent": parent.sha256 if parent else None,
            "networks": champion.sha256 if champion and champion.fine_tuned else None,
            "pretrained": weights_sha256(params.model),
            "code": source_hash(__name__),
        }
    )


def with_linear_parts(
    network: ModelPackage,
    learnt: pd.DataFrame,
    features: NDArray[np.float32],
    params: Params,
    earlier: ModelPackage | None = None,
    networks: NetworkLogits | None = None,
) -> ModelPackage:
    """The package of `without_parts` with deployed member, sisters and all choices.

    `features` [N, D] are what it sees of the photographs in `learnt`; the heads start from those of `earlier`, a
    package with the same network. `networks` are of the same photographs, where there are fine-tuned ones.
    """
    parts = _fit(learnt, features, network.classes, _blocks(network), params, earlier)
    found = replace(network, linear_parts=parts, clinical=parts.deployed.clinical)
    return with_chosen(found, learnt, features, params.gate.target_sensitivities, networks)


def _blocks(network: ModelPackage) -> tuple[int, ...]:
    """The lengths of the parts of the features, over all views."""
    return feature_blocks(network.backbone, network.late_stages) * len(network.views)


def without_parts(params: Params, classes: tuple[str, ...], learnt: pd.DataFrame) -> ModelPackage:
    """The package of the network alone, as its features are asked for."""
    from dermai.models.backbones import input_statistics

    mean, std = input_statistics(params.model.backbone)
    return ModelPackage(
        weights=StoredWeights(weights_file(_network_weights(params))),  # as bytes once for all who ask
        backbone=params.model.backbone,
        classes=classes,
        image_size=params.model.image_size,
        interpolation=params.model.interpolation,
        mean=mean,
        std=std,
        manifest=learnt[list(MANIFEST_COLUMNS)],
        validation=pd.DataFrame(columns=["image", "diagnosis", *(f"p_{code}" for code in classes)]),
        views=params.model.views,
        late_stages=params.model.late_stages,
    )


def _network_weights(params: Params) -> dict[str, Tensor]:
    """The network's weights below its own head, which linear heads replace."""
    import torch

    from dermai.models.backbones import build_model, head_name

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        model = build_model(params.model, ("unused",))
    head = head_name(model) + "."
    return {name: tensor.contiguous() for name, tensor in model.state_dict().items() if not name.startswith(head)}


def _same_network(parent: ModelPackage | None, bare: ModelPackage) -> ModelPackage | None:
    """The parent, where its heads weigh the features that are weighed now."""
    if parent is None or parent.linear_parts is None:
        return None
    return parent if parent.network_identity == bare.network_identity else None


def _fit(
    learnt: pd.DataFrame,
    features: NDArray[np.float32],
    classes: tuple[str, ...],
    blocks: tuple[int, ...],
    params: Params,
    parent: ModelPackage | None,
) -> LinearParts:
    """The deployed member and one sister a fold, each on its own photographs alone."""
    labels = learnt["diagnosis"].map({code: place for place, code in enumerate(classes)}).to_numpy(dtype=int)
    folds = learnt["fold"].to_numpy()
    before = parent.linear_parts if parent else None
    clinical = params.clinical

    def member(mine: NDArray[np.bool_], earlier: Member | None) -> Member:
        start = _widened(earlier.head, parent.classes, classes) if earlier and parent else None
        head = fit_linear_head(
            features[mine], labels[mine], len(classes), blocks, params.training.head_regularisation, start
        )
        opinion = fit_clinical(learnt[mine], clinical.columns, classes, clinical.regularisation)
        return Member(head, opinion if clinical.columns else None, mine)

    sisters = {}
    for fold in sorted(set(folds)):
        mine = folds != fold
        if len(set(labels[mine])) > 1:
            earlier = before.sisters.get(int(fold)) if before else None
            sisters[int(fold)] = member(mine, earlier)
    everyone = np.ones(len(learnt), dtype=bool)
    return LinearParts(blocks, member(everyone, before.deployed if before else None), sisters)


def _widened(head: LinearHead, before: tuple[str, ...], classes: tuple[str, ...]) -> LinearHead:
    """A head for more classes than it had; the new ones start from nothing."""
    more = len(classes) - len(before)
    return LinearHead(np.pad(head.weight, ((0, more), (0, 0))), np.pad(head.bias, (0, more)))
