"""The training loop of one phase: balanced batches, validation after each epoch, the best weights kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dermai.config import TrainingParams
from dermai.training.hierarchy import hierarchical_loss
from dermai.training.processes import Processes
from dermai.training.sampling import ClassBalancedBatches
from dermai.training.weight_average import WeightAverage

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn

    from dermai.continual.penalties import LossTerm


@dataclass(frozen=True)
class Score:
    """How well validation photographs are classified; None for both where there are none."""

    balanced_accuracy: float | None
    loss: float | None

    def beats(self, other: Score | None) -> bool:
        """More balanced accuracy, or the same at a lower loss; without validation the later always wins."""
        if other is None or self.balanced_accuracy is None or other.balanced_accuracy is None:
            return True
        return (self.balanced_accuracy, -(self.loss or 0.0)) > (other.balanced_accuracy, -(other.loss or 0.0))


def score_logits(logits: Tensor, labels: Sequence[int]) -> Score:
    """Mean recall over the classes present, and cross-entropy weighted to give each of them the same say.

    A label of -1 (a class that the head lacks) is left out.
    """
    import torch
    from torch.nn import functional

    known = [position for position, label in enumerate(labels) if label >= 0]
    if not known:
        return Score(None, None)
    truth = torch.tensor([labels[position] for position in known])
    scores = logits[known].double().cpu()
    losses = functional.cross_entropy(scores, truth, reduction="none")
    hits = scores.argmax(1) == truth
    per_class = [(hits[truth == label].double().mean(), losses[truth == label].mean()) for label in truth.unique()]
    recalls, class_losses = (torch.stack(column) for column in zip(*per_class, strict=True))
    return Score(round(recalls.mean().item(), 6), round(class_losses.mean().item(), 6))


@dataclass(frozen=True)
class Samples:
    """Labelled training inputs behind a reader: `read(positions, views)` gives a batch for the module."""

    read: Callable[[np.ndarray, np.ndarray], Tensor]
    labels: Sequence[int]
    batches: ClassBalancedBatches
    views: int
    levels: Sequence[Sequence[int]] = ()  # the part of each class in each level of `training.hierarchy`


@dataclass
class Position:
    """Where a phase stands, as its checkpoint keeps it."""

    epoch: int = 0
    best_epoch: int = 0
    best: Score | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    average: dict[str, Tensor] = field(default_factory=dict)  # of the weights, where `training.weight_average` asks


def fit(
    module: nn.Module,
    optimizer: Any,
    samples: Samples,
    validate: Callable[[], Score],
    epochs: int,
    training: TrainingParams,
    accelerator: Accelerator,
    seed: int,
    name: str,
    position: Position,
    after_epoch: Callable[[Position], None] = lambda position: None,
    progress: bool = False,
    term: LossTerm | None = None,
) -> None:
    """Train the module in place from `position` on and leave its best weights in it.

    With `training.weight_average` validation sees, and the best weights are, the average of those that were trained. A
    rate that rises and falls (`one_cycle`) goes all the way: there is no early stop.

    `term` is added to the cross-entropy of each batch.

    Every draw (batches, views, dropout) follows from seed and epoch, so a training resumed at the start of an epoch
    goes on exactly as if it had not been interrupted. Several processes each compute their share of every batch and
    step together, to the weights that one would reach.
    """
    import torch
    from tqdm import tqdm

    class_loss = hierarchical_loss(samples.levels, training.hierarchy_weight, training.label_smoothing)
    labels = np.asarray(samples.labels)
    steps = len(samples.batches.epoch(0))
    schedule = make_schedule(training, optimizer, epochs * steps, position.epoch * steps)
    prepared, optimizer = accelerator.prepare(module, optimizer)
    average = WeightAverage(module, training.weight_average, position.average)
    patience = training.patience if training.schedule == "constant" else epochs
    if position.best is None:
        position.best, position.best_weights = validate(), _copy(module)
    processes = Processes.of(accelerator)
    processes.check(samples.batches.samples_per_class)
    bar = tqdm(
        total=epochs, initial=position.epoch, desc=name, unit="epoch", disable=not progress or processes.number > 0
    )
    with bar:
        while position.epoch < epochs and position.epoch - position.best_epoch < patience:
            started, seen, losses = time.perf_counter(), 0, []
            torch.manual_seed(np.random.SeedSequence((seed, position.epoch, 0)).generate_state(1)[0].item())
            views = np.random.default_rng((seed, position.epoch)).integers(samples.views, size=len(samples.labels))
            module.train()
            for batch in samples.batches.epoch(position.epoch):
                seen += len(batch)
                share = processes.share(batch)
                optimizer.zero_grad()
                inputs = samples.read(share, views[share])
                with processes.as_one():
                    outputs = prepared(inputs)
                truth = torch.from_numpy(labels[share]).to(accelerator.device, non_blocking=True)
                loss = class_loss(outputs, truth)
                if term is not None:
                    loss = loss + term(inputs, outputs)
                accelerator.backward(loss)
                optimizer.step()
                if schedule is not None:
                    schedule.step()
                average.update()
                losses.append(loss.detach())
            position.epoch += 1
            mean_loss = processes.mean(torch.stack(losses).mean()).item()  # waits for a GPU: before the clock is read
            seconds = time.perf_counter() - started
            with average.in_the_module():
                score = validate()
                if score.beats(position.best):
                    position.best, position.best_epoch, position.best_weights = score, position.epoch, _copy(module)
            position.average = average.weights
            position.history.append(
                {
                    "phase": name,
                    "epoch": position.epoch,
                    "loss": round(mean_loss, 5),
                    "validation_balanced_accuracy": score.balanced_accuracy,
                    "validation_loss": score.loss,
                    "images": seen,
                    "seconds": round(seconds, 3),
                }
            )
            after_epoch(position)
            bar.update()
            bar.set_postfix(loss=position.history[-1]["loss"], balanced_accuracy=score.balanced_accuracy)
    module.load_state_dict(position.best_weights)


def make_optimizer(training: TrainingParams, groups: list[dict[str, Any]]) -> Any:
    """Adam or AdamW over parameter groups that bring their own learning rates."""
    import torch

    kind = torch.optim.AdamW if training.optimizer == "adamw" else torch.optim.Adam
    groups = [group for group in groups if group["params"]]
    on_gpu = all(parameter.is_cuda for group in groups for parameter in group["params"])
    return kind(groups, weight_decay=training.weight_decay, fused=on_gpu or None)  # one kernel for all weights


def make_schedule(training: TrainingParams, optimizer: Any, steps: int, done: int) -> Any | None:
    """What moves the learning rates after each step, `done` of them taken; None where they stay.

    `one_cycle` (Smith & Topin 2019) rises from a 25th of each group's rate to all of it, and falls to nearly nothing.
    """
    from torch.optim.lr_scheduler import OneCycleLR

    if training.schedule == "constant" or done >= steps:
        return None
    rates = [group.get("max_lr", group["lr"]) for group in optimizer.param_groups]
    return OneCycleLR(optimizer, rates, steps, pct_start=0.2, cycle_momentum=False, last_epoch=done - 1)


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
