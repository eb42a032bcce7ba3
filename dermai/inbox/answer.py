"""What the sender of a referral is told: the verdict on each photograph, and the model's answer where it is shown.

It follows the rules of the worklist: a case that was drawn for a second reading has no answer, a provisional model
calls nothing normal, and where no model's answers are shown there are none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from dermai.inbox.sent import HiddenReferral, SentPhotograph
from dermai.language.messages import message
from dermai.taxonomy import RiskLevel, load_taxonomy
from dermai.triage.risk import RANK
from dermai.triage.unfamiliar import UNLIKE
from dermai.triage.worklist import WorklistCase

WARNING = message(
    "The software sorts referrals and does not diagnose. Every case is read by a dermatologist, whatever it answers. "
    "It has not been evaluated for clinical use."
)
WITHHELD = message("no model's answers are shown at present: every case is read by a dermatologist")
DRAWN = message("the case was drawn to be read without the model's answer")
AGAIN = message("no photograph can be judged: take it again and send it with the same numbers")


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Verdict(Part):
    """Whether a photograph can be judged; `take_again` says why not, in words for the person who took it."""

    number: int  # in the order sent, from 1 on
    role: str
    usable: bool
    take_again: str


class NamedModel(Part):
    """The version that answered, and the hash of its package; `provisional_until` where it is a provisional one."""

    version: str
    package_sha256: str
    provisional_until: date | None = None


class Called(Part):
    """The class that the model calls, and why."""

    code: str
    name: str
    probability: float
    reason: str


class ReferralAnswer(Part):
    """To one referral. `risk` is None where no photograph can be judged."""

    request_id: str
    received_at: datetime
    photographs: tuple[Verdict, ...]
    risk: RiskLevel | None
    called: Called | None = None
    possible: tuple[str, ...] = ()  # the conformal set of diagnoses, by code
    abstained: bool = False
    without_answer: bool = False  # drawn to be read without the model's answer, whatever that is
    unfamiliar: bool | None = None  # unlike the photographs that the model learnt; None where that is not known
    cautions: tuple[str, ...] = ()  # why it is read although the model might call it normal
    remarks: tuple[str, ...] = ()  # on the clinical columns, and on a level that earlier photographs have set
    no_answer: str = ""  # why there is no called class
    model: NamedModel | None = None
    warning: str = WARNING


def verdicts(photographs: Sequence[SentPhotograph], reasons: Sequence[str]) -> tuple[Verdict, ...]:
    """On each photograph; a reason is "" where it can be judged."""
    return tuple(
        Verdict(number=number, role=sent.role, usable=not reason, take_again=reason)
        for number, (sent, reason) in enumerate(zip(photographs, reasons, strict=True), 1)
    )


def without_model(
    referral: HiddenReferral, received: datetime, reasons: Sequence[str], before: Collection[str] = ()
) -> ReferralAnswer:
    """The answer where no model's are shown, or nothing can be judged; `before` are levels that the case had."""
    usable = not all(reasons)
    risk = RiskLevel(min({RiskLevel.PRIORITY.value, *before}, key=RANK.__getitem__))
    return ReferralAnswer(
        request_id=referral.request,
        received_at=received,
        photographs=verdicts(referral.sent.photographs, reasons),
        risk=risk if usable else None,
        no_answer=WITHHELD if usable else AGAIN,
        remarks=referral.remarks,
    )


def of_case(
    referral: HiddenReferral,
    received: datetime,
    reasons: Sequence[str],
    case: WorklistCase,
    cautions: Mapping[str, Sequence[str]],
    known: bool,
    model: NamedModel,
) -> ReferralAnswer:
    """The answer of a case as the worklist shows it.

    `cautions` are about its photographs; `known` says whether the model knows what kind of them it learnt.
    """
    called = None
    if case.answer is not None:
        called = Called(
            code=case.answer.code,
            name=load_taxonomy().classes[case.answer.code].name,
            probability=case.answer.probability,
            reason=case.answer.reason.replace("\u00a0", " "),
        )
    return ReferralAnswer(
        request_id=referral.request,
        received_at=received,
        photographs=verdicts(referral.sent.photographs, reasons),
        risk=RiskLevel(case.risk),
        called=called,
        possible=case.possible,
        abstained=case.abstained,
        without_answer=case.without_answer,
        unfamiliar=any(UNLIKE in said for said in cautions.values()) if known else None,
        cautions=case.cautions,
        remarks=(*referral.remarks, *case.notes),
        no_answer=DRAWN if case.without_answer else message("the model abstains") if called is None else "",
        model=model,
    )
