"""The slow speed: a network fine-tuned beside the linear heads, and one for each sister, which never sees her fold.

Each is trained as the learner `network` trains, but with nobody held out: which epoch to stop at would be chosen by
patients, and no sister may choose by those of her fold. The recipe's epochs are all made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from dermai.config import Params, network_parameters
from dermai.continual.networks_learnt import DEPLOYED, why_not_kept
from dermai.continual.plan import UpdatePlan
from dermai.continual.recipes import RECIPES
from dermai.models.fine_tuned import FineTunedNetwork, FineTunedNetworks
from dermai.models.package import MANIFEST_COLUMNS, ModelPackage
from dermai.training.summary import FineTuningSummary

Train = Callable[..., ModelPackage]  # `dermai.training.finetune.finetune`, on one process or on several


def kept_networks(champion: ModelPackage | None, learnt: pd.DataFrame, params: Params) -> FineTunedNetworks | None:
    """The champion's fine-tuned networks, where an update that learns these rows may keep them."""
    if champion is None or champion.networks is None:
        return None
    return None if why_not_kept(champion.networks, learnt, params) else champion.fine_tuned


def fine_tuned_networks(
    plan: UpdatePlan,
    learnt: pd.DataFrame,
    data_folder: Path,
    params: Params,
    champion: ModelPackage | None,
    folder: Path,
    cache: Path,
    train: Train,
    progress: bool = True,
) -> FineTunedNetworks | None:
    """The networks of a model that learns `learnt`; None where it has none.

    At the fast speed they are the champion's, untouched. At the slow one each is trained on from the champion's of the
    same name, or from the first weights. `folder` holds each network's checkpoints and finished training: the same call
    goes on where it was killed, to the same weights.
    """
    from tqdm import tqdm

    kept = kept_networks(champion, learnt, params)
    if plan.speed != "slow":
        return kept
    started = time.perf_counter()
    start = kept if kept is not None and kept.view == params.model.network_view else None
    folds = {DEPLOYED: learnt, **{fold: learnt[learnt["fold"] != fold] for fold in sorted(set(learnt["fold"]))}}
    members = {name: rows for name, rows in folds.items() if len(set(rows["diagnosis"])) > 1}
    networks: dict[str, FineTunedNetwork] = {}
    with tqdm(members.items(), desc="fine-tuned networks", unit="network", disable=not progress) as bar:
        for name, rows in bar:
            bar.set_postfix_str(name if name == DEPLOYED else f"sister {name}")
            earlier = start.members.get(name) if start else None
            networks[name] = _trained(
                earlier, rows, data_folder, params, champion, folder / name, cache, train, bool(plan.again), progress
            )
    made = FineTuningSummary(
        started_from=f"package {champion.sha256}" if start and champion else f"{params.model.pretrained} weights",
        strategy=params.continual.strategy,
        photographs=len(learnt),
        seconds=round(time.perf_counter() - started, 1),
        parameters=network_parameters(params),
    )
    sisters = {int(name): network for name, network in networks.items() if name != DEPLOYED}
    return FineTunedNetworks(params.model.network_view, networks[DEPLOYED], sisters, made.model_dump(mode="json"))


def _trained(
    earlier: FineTunedNetwork | None,
    rows: pd.DataFrame,
    data_folder: Path,
    params: Params,
    champion: ModelPackage | None,
    folder: Path,
    cache: Path,
    train: Train,
    again: bool,
    progress: bool,
) -> FineTunedNetwork:
    """One network that has learnt these rows: `earlier` itself where it knows them all, unless `again` is asked."""
    plan = _plan(earlier, rows, params, again)
    if earlier is not None and plan.mode == "nothing":
        return earlier
    parent = _as_package(earlier, rows, champion) if earlier and champion else None
    cases = rows.drop(columns="fold")  # nobody is held out
    package = train(plan, cases, data_folder, params, parent, folder, cache=cache, progress=progress)
    learnt = dict(zip(package.manifest["image"], package.manifest["diagnosis"], strict=True))
    return FineTunedNetwork(package.weights, package.classes, learnt)


def _plan(earlier: FineTunedNetwork | None, rows: pd.DataFrame, params: Params, again: bool) -> UpdatePlan:
    diagnosis = dict(zip(rows["image"], rows["diagnosis"], strict=True))
    if earlier is None:
        return UpdatePlan(mode="bootstrap", new=tuple(diagnosis))
    if again:
        return UpdatePlan(mode="update", again=tuple(diagnosis))
    old = {image: code for image, code in diagnosis.items() if earlier.learnt.get(image) == code}
    if len(old) == len(diagnosis):
        return UpdatePlan(mode="nothing")
    replay = RECIPES[params.continual.strategy].replay(old, params)
    return UpdatePlan(mode="update", new=tuple(image for image in diagnosis if image not in old), replay=tuple(replay))


def _as_package(network: FineTunedNetwork, rows: pd.DataFrame, champion: ModelPackage) -> ModelPackage:
    """A network as what a training goes on from."""
    learnt = rows[rows["image"].isin(list(network.learnt))]
    manifest = learnt.assign(diagnosis=learnt["image"].map(dict(network.learnt)), split="train")
    return ModelPackage(
        weights=network.weights,
        backbone=champion.backbone,
        classes=network.classes,
        image_size=champion.image_size,
        interpolation=champion.interpolation,
        mean=champion.mean,
        std=champion.std,
        manifest=manifest[list(MANIFEST_COLUMNS)].reset_index(drop=True),
        validation=pd.DataFrame(columns=["image", "diagnosis", *(f"p_{code}" for code in network.classes)]),
        crop="none" if champion.fine_tuned is None or champion.fine_tuned.view == "whole" else "lesion",
    )
