"""Items that arrive one by one, worked on together: what comes within a moment of each other makes one batch."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


class QueueFull(Exception):
    """More waits than the queue holds: come again."""


@dataclass
class _Job(Generic[In, Out]):
    item: In
    size: int
    done: Future[Out] = field(default_factory=Future)


class MicroBatches(Generic[In, Out]):
    """A thread that takes what waits, at most `largest` in size together, and works on it in one call of `work`.

    `work` gives one result an item, in their order. Where it fails for several, each is worked on alone, so that one
    bad item spoils no other's result.

    >>> batches = MicroBatches(lambda numbers: [2 * number for number in numbers], 16, 0.001, 10)
    >>> found = [batches.submit(number) for number in (1, 2, 3)]
    >>> [future.result() for future in found], batches.close()
    ([2, 4, 6], None)
    """

    def __init__(self, work: Callable[[Sequence[In]], Sequence[Out]], largest: int, wait: float, longest: int) -> None:
        self._work, self._largest, self._wait = work, largest, wait
        self._waiting: queue.Queue[_Job[In, Out] | None] = queue.Queue(longest)
        self._thread = threading.Thread(target=self._run, name="micro-batches", daemon=True)
        self._thread.start()

    def submit(self, item: In, size: int = 1) -> Future[Out]:
        """The result of an item, when it is there.

        Raises:
            QueueFull: too much waits already.
        """
        job: _Job[In, Out] = _Job(item, size)
        try:
            self._waiting.put_nowait(job)
        except queue.Full:
            raise QueueFull from None
        return job.done

    def close(self) -> None:
        """Finish what waits, and stop."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        job = self._waiting.get()
        while job is not None:
            batch, job = self._gather(job)
            self._finish(batch)
            if job is _NOTHING:
                job = self._waiting.get()

    def _gather(self, first: _Job[In, Out]) -> tuple[list[_Job[In, Out]], _Job[In, Out] | None]:
        """A batch that begins with `first`, and what comes after it: None is the end."""
        batch, size, until = [first], first.size, time.monotonic() + self._wait
        while size < self._largest:
            try:
                job = self._waiting.get(timeout=max(until - time.monotonic(), 0.0))
            except queue.Empty:
                return batch, _NOTHING
            if job is None or size + job.size > self._largest:
                return batch, job
            batch.append(job)
            size += job.size
        return batch, _NOTHING

    def _finish(self, batch: list[_Job[In, Out]]) -> None:
        try:
            results = self._work([job.item for job in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0].done.set_exception(error)
                return
            for job in batch:
                self._finish([job])
            return
        for job, result in zip(batch, results, strict=True):
            job.done.set_result(result)


_NOTHING: _Job = _Job(None, 0)
