"""Work of a service in processes of their own, under any clock, killed anywhere: nothing is cleaned up after a kill."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

SECONDS = 120  # a process that takes longer hangs
IMPORTED_ONCE = (  # what takes seconds
    "apprise", "evidently.presets", "evidently.ui.workspace", "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store", "onnxruntime", "plotly.graph_objects", "timm", "torch",
    "torchvision.transforms.v2",
    "monitoring.evidently_metrics", "monitoring.follow_up", "dermai.report.figures", "dermai.triage.run",
    "tests.monitoring.production",
)  # fmt: skip
CLOCKS = (
    "dermai.prediction_log.order_of_writing",
    "dermai.audit.log",
    "dermai.triage.run",
    "monitoring.confirmed_cases",
)


@dataclass(frozen=True)
class Kill:
    """By SIGKILL, at the `call`-th call of a function, before or after it does its work."""

    owner: str  # a module, or `module:class`
    function: str
    call: int
    after: bool


def in_a_process(work: Callable[..., object], arguments: tuple[object, ...], environment: Mapping[str, str],
                 hours: int = 0, kill: Kill | None = None,
                 imported: tuple[str, ...] = IMPORTED_ONCE) -> bool:  # fmt: skip
    """Whether the work was done; false: it was killed. `hours`: how far the clock is off."""
    context = multiprocessing.get_context("forkserver")  # not a copy of this process, whose threads would be missing
    context.set_forkserver_preload(list(imported))
    process = context.Process(target=_work, args=(work, arguments, dict(environment), hours, kill))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f"{work.__name__}{arguments} hangs ({kill})")
    assert process.exitcode in (0, -signal.SIGKILL), f"{work.__name__}{arguments} failed ({kill})"
    assert kill or process.exitcode == 0
    return process.exitcode == 0


def _work(work: Callable[..., object], arguments: tuple[object, ...], environment: Mapping[str, str], hours: int,
          kill: Kill | None) -> None:  # fmt: skip
    os.environ.update(environment)
    if hours:
        _set_clock(timedelta(hours=hours))
    if kill:
        _prepare(kill)
    work(*arguments)


def _set_clock(offset: timedelta) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + offset

    for name in CLOCKS:
        importlib.import_module(name).datetime = Clock  # type: ignore[attr-defined]


def _prepare(kill: Kill) -> None:
    module, _, inside = kill.owner.partition(":")
    owner: Any = importlib.import_module(module)
    owner = getattr(owner, inside) if inside else owner
    work, calls = getattr(owner, kill.function), iter(range(sys.maxsize))

    def killed(*arguments: object, **named: object) -> object:
        last = next(calls) == kill.call
        result = work(*arguments, **named) if kill.after or not last else None
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, kill.function, killed)
