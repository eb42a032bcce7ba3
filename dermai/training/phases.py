"""The two phases of a fine-tuning: the head alone, then the tail above the frozen boundary."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dermai.config import Params
from dermai.images.augmentation import CLEAN
from dermai.training.activations import FrozenActivations
from dermai.training.batch_norm import recompute_batch_norm
from dermai.training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from dermai.training.fitting import Position, Samples, Score, fit, make_optimizer, score_logits
from dermai.training.processes import Processes
from dermai.training.sampling import ClassBalancedBatches

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn

    from dermai.continual.penalties import LossTerm

FEWEST_BATCHES = 10  # of an epoch however few photographs are new: a single correction takes some steps to be learnt
_BATCH = 64  # photographs at a time where nothing is trained


@dataclass(frozen=True)
class TrainingPhotographs:
    """What a training learns from and what chooses its weights; labels are positions in the class list, -1 none."""

    train: Sequence[str]
    train_labels: Sequence[int]
    is_new: Sequence[bool]
    validation: Sequence[str]
    validation_labels: Sequence[int]
    levels: Sequence[Sequence[int]] = ()  # the part of each class in each level of `training.hierarchy`


def epoch_length(photographs: TrainingPhotographs, params: Params) -> int:
    """Photographs that an epoch shows so that `continual.new_share` of them are the new ones, each once.

    At least `FEWEST_BATCHES` batches, at most all there are.
    """
    new = math.ceil(sum(photographs.is_new) / params.continual.new_share)
    batch = params.training.samples_per_class * len(set(photographs.train_labels))
    return min(len(photographs.train), max(new, FEWEST_BATCHES * batch))


class PhasedTraining:
    """Trains the tail of a network, whose frozen prefix is behind `activations`.

    `penalty` makes the term that is added to the loss, once for the head alone and once for the whole tail. With
    `short_epochs` an epoch is as long as the new photographs ask (`epoch_length`), and no phase is for the head alone.
    """

    def __init__(
        self,
        tail: nn.Module,
        activations: FrozenActivations,
        photographs: TrainingPhotographs,
        params: Params,
        accelerator: Accelerator,
        progress: bool,
        penalty: Callable[[nn.Module], LossTerm] | None = None,
        short_epochs: bool = False,
    ) -> None:
        self.tail = tail
        self.body, self.head = tail[:-2], tail[-2:]  # type: ignore[index]
        # Now, while the weights are still those that the training starts from.
        self.head_term = penalty(self.head) if penalty else None
        self.tail_term = penalty(self.tail) if penalty else None
        self.activations = activations
        self.photographs = photographs
        self.params = params
        self.accelerator = accelerator
        self.processes = Processes.of(accelerator)
        self.progress = progress
        self.views = list(activations.views)
        self.batches = ClassBalancedBatches(
            photographs.train_labels,
            params.training.samples_per_class,
            params.seed,
            photographs.is_new,
            params.continual.new_share,
            epoch_length(photographs, params) if short_epochs else None,
        )
        self.head_first_epochs = 0 if short_epochs else params.training.head_first_epochs

    def run(self, epochs: int, checkpoints: Path) -> Position:
        """Both phases, from the newest checkpoint on if there is one; leaves the best weights in the tail."""
        device = self.accelerator.device
        resumed = load_checkpoint(checkpoints, "cpu" if device.type == "cpu" else str(device))
        if resumed:
            position = _position(resumed)
            self.tail.load_state_dict(resumed.weights)
        else:
            # First: training in the second phase moves the statistics anyway, and a head fitted to others would fall.
            recompute_batch_norm(self.tail, self.training_inputs(), self.processes)
            position = Position(history=self.train_head())
        training = self.params.training
        optimizer = make_optimizer(
            training,
            [
                {"params": list(self.body.parameters()), "lr": training.backbone_learning_rate},
                {"params": list(self.head.parameters()), "lr": training.head_learning_rate},
            ],
        )
        if resumed:
            optimizer.load_state_dict(resumed.optimizer)

        def keep(position: Position) -> None:
            if self.accelerator.is_main_process and position.epoch % training.checkpoint_every == 0:
                words = {
                    "epoch": position.epoch,
                    "best_epoch": position.best_epoch,
                    "best": asdict(position.best) if position.best else None,
                    "history": position.history,
                }
                checkpoint = Checkpoint(
                    self.tail.state_dict(), position.best_weights, position.average, optimizer.state_dict(), words
                )
                save_checkpoint(checkpoints, position.epoch, checkpoint)

        images = np.asarray(self.photographs.train)

        def read(positions: np.ndarray, views: np.ndarray) -> Tensor:
            return self.activations.read(images[positions].tolist(), [self.views[view] for view in views])

        fit(
            self.tail,
            optimizer,
            Samples(read, self.photographs.train_labels, self.batches, len(self.views), self.photographs.levels),
            lambda: score_logits(self.validation_logits(), self.photographs.validation_labels),
            epochs,
            training,
            self.accelerator,
            self.params.seed + 1,
            "blocks",
            position,
            keep,
            self.progress,
            self.tail_term,
        )
        return position

    def train_head(self) -> list[dict[str, Any]]:
        """Train the head on the pooled features of every view, which a frozen backbone never changes."""
        import torch

        training = self.params.training
        if self.head_first_epochs == 0:
            return []
        features = torch.stack([self._features(self.photographs.train, view) for view in self.views])
        clean = self._features(self.photographs.validation, CLEAN)

        def validate() -> Score:
            self.head.eval()
            with torch.no_grad():
                return score_logits(self.head(clean), self.photographs.validation_labels)

        position = Position()
        fit(
            self.head,
            make_optimizer(
                training, [{"params": list(self.head.parameters()), "lr": training.head_first_learning_rate}]
            ),
            Samples(
                lambda positions, views: features[views, positions],
                self.photographs.train_labels,
                self.batches,
                len(self.views),
                self.photographs.levels,
            ),
            validate,
            self.head_first_epochs,
            training,
            self.accelerator,
            self.params.seed,
            "head",
            position,
            progress=self.progress,
            term=self.head_term,
        )
        return position.history

    def validation_logits(self) -> Tensor:
        """Class scores [N, C] of the validation photographs, unaugmented."""
        import torch

        with torch.no_grad():
            return self.head.eval()(self._features(self.photographs.validation, CLEAN))

    def training_inputs(self) -> Iterator[Tensor]:
        """One epoch of the tail's inputs as training sees them, or a process's share of its batches."""
        images = np.asarray(self.photographs.train)
        views = np.random.default_rng(self.params.seed).integers(len(self.views), size=len(images))
        for batch in self.processes.share(self.batches.epoch(0)):
            yield self.activations.read(images[batch].tolist(), [self.views[view] for view in views[batch]])

    def _features(self, images: Sequence[str], view: int) -> Tensor:
        """Pooled features float32 [N, D] of one view of each photograph."""
        import torch

        self.body.eval()

        def compute(mine: slice) -> Tensor:
            starts = range(mine.start, mine.stop, _BATCH)
            chunks = [images[start : min(start + _BATCH, mine.stop)] for start in starts]
            with torch.no_grad():
                return torch.cat([self.body(self.activations.read(chunk, [view] * len(chunk))) for chunk in chunks])

        return self.processes.rows(len(images), compute, self.head[-1].in_features, self.accelerator.device)


def _position(checkpoint: Checkpoint) -> Position:
    words = checkpoint.position
    return Position(
        epoch=words["epoch"],
        best_epoch=words["best_epoch"],
        best=Score(**words["best"]) if words["best"] else None,
        history=words["history"],
        best_weights=checkpoint.best,
        average=checkpoint.average,
    )
