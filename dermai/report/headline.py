"""The outcome of an update in a manager's words: what happened, and what to do now."""

from __future__ import annotations

from typing import Literal, NamedTuple

from dermai.evaluation.words import count_words, duration_words, interval_words
from dermai.gate import marks
from dermai.gate.explain import drops_beyond_chance
from dermai.gate.findings import GateDecision, Outcome
from dermai.gate.marks import MarkedLine
from dermai.percentages import UNKNOWN, per_cent
from dermai.records.update_record import ChampionJudgedAgain
from dermai.report.update_report import EvaluatedModel, UpdateReport

Tone = Literal["good", "bad", "open", "quiet"]


class Headline(NamedTuple):
    """The top of the page. `tone` chooses colour and icon."""

    tone: Tone
    label: str
    title: str
    sentence: str
    next_step: str
    command: str = ""


class Fact(NamedTuple):
    """One number on the first screen, and lines that say what it rests on and what it is compared with."""

    name: str
    value: str
    details: tuple[str, ...]


UNCHANGED = "The model in production is unchanged."


def headline(report: UpdateReport) -> Headline:
    """What happened and what to do, for each way a run can end."""
    first = report.model("champion") is None
    candidate = report.model("candidate")
    version = f" (version {candidate.version})" if candidate and candidate.version else ""
    unchanged = "There is no model in production yet." if first and candidate else UNCHANGED
    because = f"{report.decision.summary} " if report.decision else ""
    if report.status == "promote" and report.approval != "auto":
        persons = "two persons'" if report.approval == "two_persons" else "a person's"
        return Headline(
            "open",
            "Passed, waits for approval",
            f"The new model{version} passed and waits for {persons} approval",
            f"{because}{unchanged}",
            "Read this page, then promote the model, or reject it with dermai reject:",
            'dermai promote --approver "NAME" --role "ROLE" --reason "WHY"',
        )
    if report.status == "promote" and first:
        return Headline(
            "good",
            "Promoted",
            f"The first model{version} is in production",
            f"{because}There was no model before it to compare with.",
            "Nothing: new referrals are scored by this model from now on.",
        )
    if report.status == "promote":
        return Headline(
            "good",
            "Promoted",
            f"The new model{version} is in production",
            because.strip(),
            "Nothing: new referrals are scored by this model from now on. The way back to the model before it:",
            'dermai rollback --approver "NAME" --role "ROLE" --reason "WHY"',
        )
    if report.status == "reject":
        return Headline(
            "bad",
            "Rejected",
            f"The new model{version} was rejected{_after_relabelling(report)}",
            f"{because}{unchanged}",
            _after_rejection(report),
        )
    if report.status == "insufficient_evidence" and first:
        return Headline(
            "open",
            "Not enough evidence",
            _undecided(report.decision),
            f"{because}{unchanged} Referrals can be triaged and diagnoses confirmed all the same: what comes back is "
            "evidence on this model.",
            "Read this page. A named person may let the model answer for a limited time, with every case read by a "
            "dermatologist:",
            'dermai promote --provisional --approver "NAME" --role "ROLE" --reason "WHY"',
        )
    if report.status == "insufficient_evidence":
        shadow = " The new model is kept as challenger and answers in the shadow of the champion."
        return Headline(
            "open",
            "Not enough evidence",
            _undecided(report.decision),
            f"{because}{unchanged}{shadow}",
            "Confirm diagnoses of referrals. As they arrive, this says whether there is enough to decide:",
            "dermai status",
        )
    if report.status == "nothing_new" and report.champion_again:
        return _judged_again(report.champion_again)
    if report.status == "nothing_new":
        return Headline(
            "quiet",
            "Nothing new",
            "There was nothing new to learn",
            f"The champion has learnt from every training photograph there is. Nothing was trained. {UNCHANGED}",
            "Import or ingest new cases, then run the update again:",
            "dermai ingest FOLDER",
        )
    if report.status == "validation_failed":
        failures = len(report.validation.blocking) if report.validation else 0
        return Headline(
            "bad",
            "Data refused",
            "The data did not pass validation, so nothing was trained",
            f"{count_words(failures, 'blocking check')} failed. {UNCHANGED}",
            "Correct the rows that are named below, then run the update again.",
        )
    return Headline(
        "bad",
        "Run failed",
        "The run failed before a decision",
        f"{report.failure or 'No reason was recorded.'} {UNCHANGED}",
        "Fix the cause and run the update again; it goes on where it stopped.",
    )


def _judged_again(again: ChampionJudgedAgain) -> Headline:
    """Test labels changed, and the champion was judged on what they are now."""
    said: dict[Outcome, tuple[Tone, str]] = {
        "promote": ("quiet", "The champion still shows what the gate asks for on the changed test labels"),
        "reject": ("bad", "The champion falls short on the changed test labels"),
        "insufficient_evidence": ("open", "The champion no longer shows all that the gate asks for"),
    }
    tone, title = said[again.decision.outcome]
    look = "Look at the changes below. If they are a mistake, correct the labels and run the update again."
    command = ""
    if again.decision.outcome == "reject":
        look += " If they are right, an earlier champion can come back:"
        command = 'dermai rollback --approver "NAME" --role "ROLE" --reason "WHY"'
    changed = "The labels of test photographs are not what they were at the last update, and nothing was new to learn."
    return Headline(tone, "Test labels changed", title, f"{changed} {UNCHANGED}", look, command)


def facts(report: UpdateReport) -> list[Fact]:
    """The numbers of the first screen: gated sensitivities, what was learnt, how long it took."""
    found = []
    candidate, champion = report.model("candidate"), report.model("champion")
    if candidate:
        tested_on = f"test set of {report.finished.day} {report.finished:%B %Y}"
        found += [_sensitivity(code, candidate, champion, tested_on) for code in report.gated_classes]
        overall = candidate.lesions.balanced_accuracy
        before = (f"champion {per_cent(champion.lesions.balanced_accuracy.value)}",) if champion else ()
        found.append(Fact("Balanced accuracy", per_cent(overall.value), (interval_words(overall), *before)))
    if report.data:
        total = report.data.total
        changed = [f"{getattr(total, name):,} {name}" for name in ("relabelled", "removed") if getattr(total, name)]
        found.append(Fact("New photographs", f"{total.new:,}", (*changed, f"{total.train:,} to learn from in all")))
    if report.training:
        found.append(Fact("Training", duration_words(report.training.seconds), (f"on {report.training.device}",)))
    return found


def relabelled_cases(report: UpdateReport) -> int:
    """How many cases of the training and validation patients have another diagnosis than the champion knew."""
    return sum(change.cases for change in report.data.relabellings) if report.data else 0


def _after_relabelling(report: UpdateReport) -> str:
    number = relabelled_cases(report)
    return f" after {count_words(number, 'case')} had been relabelled" if number else ""


def _after_rejection(report: UpdateReport) -> str:
    if relabelled_cases(report):
        return (
            "Look first at the relabelled cases above. If that was a mistake, ingest them again with the right "
            "diagnoses, or go back to the dataset version before (git checkout of data.dvc, then dvc checkout), and "
            "run the update again. If it was meant, look at the mistakes below."
        )
    if report.data and report.data.total.new:
        return "Look at the mistakes below and at the new cases before the next update."
    return "Look at the mistakes below before the next update."


def _undecided(decision: GateDecision | None) -> str:
    """What keeps the evidence from deciding: too few cases only where more of them would help."""
    if decision is None or any(reason.code == "too_few" for reason in decision.reasons):
        return "There are too few confirmed cases to decide"
    columns = [column for _, column in reversed(decision.columns)]
    if any(column.harmed_groups for column in columns):
        return "The new model passed for all patients together, but it is worse in a group of them"
    if drops := dict.fromkeys(kind for column in columns for kind in drops_beyond_chance(column)):
        return f"The new model probably does worse on {' and '.join(drops)}, though not surely enough to be rejected"
    if None in decision.further_cases.values() or not any(decision.further_cases.values()):
        return "It is not shown that the new model is good enough"
    return "There are too few confirmed cases to decide"


def objections(report: UpdateReport) -> list[MarkedLine]:
    """The gate's reasons that speak against a promotion, for the first screen."""
    return [] if report.decision is None or report.status == "promote" else list(marks.objections(report.decision))


def _sensitivity(code: str, candidate: EvaluatedModel, champion: EvaluatedModel | None, tested_on: str) -> Fact:
    now = candidate.lesions.of_class(code)
    before = champion.lesions.of_class(code) if champion else None
    if now is None or now.sensitivity.value is None:
        return Fact(f"{code} found", UNKNOWN, ("no test lesions of this class",))
    details = [
        f"{now.sensitivity.count} of {count_words(now.sensitivity.total, 'lesion')}",
        interval_words(now.sensitivity),
    ]
    if before and before.sensitivity.value is not None:
        details.append(f"champion {per_cent(before.sensitivity.value)}")
    return Fact(f"{code} found", per_cent(now.sensitivity.value), (*details, tested_on))
