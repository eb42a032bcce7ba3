"""The service that takes referrals in: checked, answered by the warm model, on disk, and then acknowledged."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache, partial
from typing import TypeVar

import numpy as np

from dermai.config import Params
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError
from dermai.files import locked
from dermai.inbox.answer import ReferralAnswer
from dermai.inbox.answering import InHand, answer_all
from dermai.inbox.entries import AnsweredReferral, Inbox, keep_photograph
from dermai.inbox.filing import file_waiting
from dermai.inbox.micro_batches import MicroBatches, QueueFull
from dermai.inbox.sent import HiddenReferral, Row, SentPhotograph, SentReferral, hide_numbers
from dermai.inbox.warm_model import WarmModel
from dermai.ingest.unusable import UnusablePhotograph
from dermai.language.messages import message
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.logged_cases import LoggedCases
from dermai.triage.scoring import cleaned, quality, triage_folder, unusable
from dermai.workspace import Workspace

LOOKING = min(8, len(os.sched_getaffinity(0)) + 1)  # threads that look at photographs: more wait for each other
WRITING = 16  # threads that wait for the disk
RETRY_SECONDS = 60.0  # after a filing that failed
Done = TypeVar("Done")
logger = logging.getLogger(__name__)


class Busy(DermaiError):
    """More referrals are in hand than the service takes at once: come again in a moment."""


class KnownCase(DermaiError):
    """Another referral of the same case is there already; nothing was taken in."""


class ReferralService:
    """Takes referrals in, one service a workspace. `start` and `close` frame its use."""

    def __init__(self, workspace: Workspace, params: Params) -> None:
        self.workspace, self.params = workspace, params
        self.inbox, self.warm = Inbox.of(workspace), WarmModel(workspace, params)
        self.filing_problem = ""
        self._pseudonyms = load_pseudonyms(workspace)
        log = PredictionLog.of(workspace)
        self._logged = LoggedCases(log)
        self._numbers = SenderNumbers(self._pseudonyms, known=cache(log.pseudonyms))
        self._in_hand: dict[str, tuple[str, asyncio.Task[ReferralAnswer]]] = {}
        self._count = 0
        self._held = ExitStack()
        self._unfiled, self._closing = 0, False
        self._news = threading.Condition()

    def start(self) -> None:
        """Take over the inbox: what a killed service has left is put right, and the model is loaded.

        Raises:
            DermaiError: another service runs in this workspace.
        """
        self._take_over()
        self.inbox.sweep()
        self._logged.known_under("")  # what is in the log is looked through now, and not in front of the first patient
        limits = self.params.inbox
        self._threads = ThreadPoolExecutor(LOOKING, thread_name_prefix="referrals")
        self._writers = ThreadPoolExecutor(WRITING, thread_name_prefix="inbox")
        self._answers: MicroBatches[InHand, AnsweredReferral] = MicroBatches(
            self._answer, limits.batch, limits.wait_milliseconds / 1000, limits.most_in_hand
        )
        self._unfiled = self.inbox.count()
        self._filer = threading.Thread(target=self._file, name="filing", daemon=True)
        self._filer.start()

    def _take_over(self) -> None:
        for wait in (*[0.5] * 10, None):  # a service that is being restarted closes in front of this one
            try:
                self._held.enter_context(locked(self.inbox.lock, blocking=False))
                return
            except BlockingIOError:
                if wait is not None:
                    time.sleep(wait)
        raise DermaiError(f"another service takes referrals in for {self.workspace.root}: stop that one first")

    def close(self) -> None:
        """Finish what is in hand, file what waits, and stop."""
        self._threads.shutdown()
        self._writers.shutdown()
        self._answers.close()
        with self._news:
            self._closing = True
            self._news.notify_all()
        self._filer.join()
        self._held.close()

    async def receive(self, sent: SentReferral) -> ReferralAnswer:
        """Take a referral in; when this returns it is on disk. The same referral again gets the same answer.

        Raises:
            UnclearReferral: nobody could work with it.
            KnownCase: its case is known with other content.
            Busy: too much is in hand.
            DermaiError: the model in the registry is not the recorded one, or the records are damaged.
        """
        most = self.params.inbox.most_photographs
        hidden = await self._in_thread(hide_numbers, sent, self._numbers, most)
        request, task = self._in_hand.get(hidden.case_id, ("", None))
        if task is None:
            self._one_more()
            task = asyncio.create_task(self._take_in(hidden))
            self._in_hand[hidden.case_id] = hidden.request, task
            task.add_done_callback(partial(self._one_less, hidden.case_id))
        elif request != hidden.request:
            raise KnownCase(
                message("another referral of this case is being taken in at this moment: send this one after it")
            )
        return await asyncio.shield(task)  # a sender who hangs up stops nothing half-way

    def acknowledged(self, sent: SentReferral, request: str) -> AnsweredReferral:
        """The entry of a referral that was received, by the request id of its answer.

        Raises:
            DermaiError: it is not there, or cannot be read.
        """
        case = self._numbers.case(sent.fields["case_id"])
        for entry in self.inbox.of_case(case):
            if entry.request == request:
                return entry
        raise DermaiError(f"the inbox holds no entry {request} of case {case}: put it back from a backup")

    async def check(self, photographs: Sequence[SentPhotograph]) -> list[str]:
        """Why each photograph should be taken again, or ""; nothing is kept of them.

        Raises:
            Busy: too much is in hand.
        """
        self._one_more()
        try:
            return await self._in_thread(self._check_all, photographs)
        finally:
            self._one_less()

    async def _take_in(self, hidden: HiddenReferral) -> ReferralAnswer:
        known, before = await self._in_thread(self._known, hidden)
        if known is not None:
            return known
        one = await self._in_thread(self._look, hidden, before)
        try:
            entry = await asyncio.wrap_future(self._answers.submit(one, max(len(one.pixels), 1)))
        except QueueFull:
            raise Busy(message("the service is busy: send the referral again in a moment")) from None
        await asyncio.get_running_loop().run_in_executor(self._writers, self.inbox.keep, entry)
        with self._news:
            self._unfiled += 1
            self._news.notify_all()
        return entry.answer

    def _known(self, hidden: HiddenReferral) -> tuple[ReferralAnswer | None, frozenset[str]]:
        """The answer that this very referral has; else its case may come in, and had these levels before.

        Raises:
            KnownCase: its case is known with other content.
        """
        earlier = self.inbox.of_case(hidden.case_id)
        for entry in earlier:
            if entry.request == hidden.request:
                return entry.answer, frozenset()
        logged = self._logged.known_under(hidden.case_id)  # from folders of referrals, too
        sites = {str(row["site"]) for entry in earlier for row in entry.rows} | logged.sites
        patients = {entry.patient_id for entry in earlier} | logged.patients | {hidden.patient_id}
        if sites == {""}:
            raise KnownCase(
                message(
                    "this case number came in by a folder that names no practice, so nobody knows whose it is: "
                    "give the case another number, or let the service add the photographs"
                )
            )
        if not sites <= {str(hidden.rows[0]["site"])}:
            raise KnownCase(message("this case number is another sender's: number the case in a way that is your own"))
        if len(patients) > 1:
            raise KnownCase(message("this case number came in under another patient: find out whose case it is"))
        follows = hidden.sent.follows in {entry.request for entry in earlier}
        if earlier and not follows and any(entry.answer.risk for entry in earlier):
            newest = max(earlier, key=lambda entry: entry.received)
            raise KnownCase(
                message(
                    "this case came in before with other content: nothing was taken in; if these are further "
                    "photographs, send them with follows=%(request)s, else give the case its own number",
                    request=newest.request,
                )
            )
        return None, frozenset({*(entry.risk for entry in earlier), logged.risk}) - {""}

    def _look(self, hidden: HiddenReferral, before: frozenset[str]) -> InHand:
        """Clean, check and store the photographs of a referral."""
        ready = self.warm.current()
        checks: list[Row] = []
        pixels: dict[str, np.ndarray] = {}
        views = ready.views if ready else ()
        for photograph in hidden.sent.photographs:
            try:
                stored, picture = cleaned(photograph.file, self.params)
            except UnusablePhotograph as problem:
                checks.append(unusable(problem))
                continue
            check: Row = {"image": stored.image, **quality(picture, self.params)}
            checks.append(check)
            keep_photograph(triage_folder(self.workspace), stored)
            if not check["reason"] and stored.image not in pixels:
                pixels[stored.image] = np.stack([view.resized(picture) for view in views]) if views else np.empty(0)
        return InHand(hidden, datetime.now(UTC), tuple(checks), pixels, ready, before)

    def _check_all(self, photographs: Sequence[SentPhotograph]) -> list[str]:
        found = []
        for photograph in photographs:
            try:
                found.append(str(quality(cleaned(photograph.file, self.params)[1], self.params)["reason"]))
            except UnusablePhotograph as problem:
                found.append(str(unusable(problem)["reason"]))
        return found

    def _answer(self, referrals: Sequence[InHand]) -> list[AnsweredReferral]:
        return answer_all(referrals, self.workspace, self.params, self._pseudonyms)

    def _file(self) -> None:
        """Until the service closes: log what waits, soon after it came."""
        limits = self.params.inbox
        closing = False
        while not closing:
            with self._news:
                self._news.wait_for(lambda: self._unfiled or self._closing)
                if self.filing_problem:
                    self._news.wait_for(lambda: self._closing, RETRY_SECONDS)
                else:
                    many = lambda: self._unfiled >= limits.most_unfiled or self._closing  # noqa: E731
                    self._news.wait_for(many, limits.filed_after_seconds)
                closing = self._closing
            self._file_once()
            with self._news:
                self._unfiled = self.inbox.count()

    def _file_once(self) -> None:
        try:
            file_waiting(self.workspace, self.params, self._pseudonyms)
            self.filing_problem = ""
        except Exception as error:  # the referrals are on disk, and are filed when this is put right
            self.filing_problem = str(error) if isinstance(error, DermaiError) else f"{type(error).__name__}: {error}"
            logger.exception("referrals wait for the prediction log")

    def _one_more(self) -> None:
        if self._count >= self.params.inbox.most_in_hand:
            raise Busy(message("the service is busy: send it again in a moment"))
        self._count += 1

    def _one_less(self, case: str = "", task: asyncio.Task[ReferralAnswer] | None = None) -> None:
        self._count -= 1
        if task is not None:
            del self._in_hand[case]
            if not task.cancelled():
                task.exception()  # whoever waited was told; the sender may have hung up

    async def _in_thread(self, work: Callable[..., Done], *arguments: object) -> Done:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments))
