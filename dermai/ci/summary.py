"""The outcome of a job in Markdown, for the job's summary and the comment on the commit. It names no patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dermai.ci.outcome import JobOutcome, Result
from dermai.evaluation.words import count_words, duration_words
from dermai.gate.explain import asked_of
from dermai.gate.findings import GateDecision, Mode, PairedComparison, TestResult
from dermai.gate.marks import objections, verdict_words
from dermai.percentages import allowance, per_cent, points
from dermai.records.update_record import UpdateRecord

TITLES: dict[Result, str] = {
    "promoted": "Version {version} is the champion",
    "rejected": "Version {version} is rejected",
    "insufficient_evidence": "Version {version}: not enough evidence yet",
    "waits_for_approval": "Version {version} passed and waits for a person's approval",
    "held_back": "Version {version} passed but is not promoted",
    "nothing_new": "Nothing new to learn",
    "superseded": "A later commit has been learnt already",
    "failed": "The update failed",
}
NEXT: dict[Result, str] = {
    "promoted": "Nothing: new referrals are scored by it. The way back is `dermai rollback`.",
    "rejected": "The champion stays. Look at the mistakes in the report and at what changed before the next update.",
    "insufficient_evidence": "The champion stays; the new model answers in its shadow. Confirm diagnoses of referrals.",
    "waits_for_approval": "Read the report, then approve the job `promote`; or `dermai promote`, `dermai reject`.",
    "superseded": "Nothing: the later commit holds these changes too.",
    "held_back": "The champion stays. Fix what is said above and run the update again.",
    "nothing_new": "Nothing was trained. Ingest new cases, commit `data.dvc`, push.",
    "failed": "The champion stays. Fix the cause and push again, or run the job again: it goes on where it stopped.",
}

FIRST_MODEL = (
    "Triage referrals and confirm their diagnoses: they are evidence on this model. A named person may let it answer "
    "for a limited time: `dermai promote --provisional`."
)
AFTER_RELABELLING = (
    "The champion stays. Look first at the relabelled cases above: a labelling mistake is corrected by ingesting them "
    "again, or by going back to the `data.dvc` before. Then look at the mistakes in the report."
)


def summary(outcome: JobOutcome) -> str:
    """A title, why, the decision table, what it was made from, what to do next."""
    parts = [f"## {TITLES[outcome.result].format(version=outcome.version)}"]
    if outcome.why:
        parts.append(_safe(outcome.why))
    record = outcome.record
    relabelled = record.dataset.relabelled if record and outcome.result != "promoted" else ()
    if relabelled:
        parts.append("What changed: cases with another diagnosis than the champion learnt.")
        changes = ((change.before, change.now, str(change.cases)) for change in relabelled)
        parts.append(_table(("from", "to", "cases"), changes))
    if record and record.decision:
        decision = record.decision
        parts += [_safe(decision.summary), decision_table(decision)]
        if against := objections(decision):
            parts.append("\n".join(f"- {_safe(str(line))}" for line in against))
        if not decision.controls_error_rate:
            parts.append("The gate's mode is `point`: it compares estimates and controls no error rate.")
    if record:
        parts.append(_table(("made from", ""), _provenance(record, outcome.sequence)))
    first = outcome.result == "insufficient_evidence" and record is not None and record.champion is None
    following = FIRST_MODEL if first else NEXT[outcome.result]
    if relabelled and outcome.result == "rejected":
        following = AFTER_RELABELLING
    parts.append(f"**Next:** {following}")
    return "\n\n".join(parts) + "\n"


def decision_table(decision: GateDecision) -> str:
    """Every test that decided, one a row; of the subgroups only those that were not passed."""
    headings = ("what must hold", "found", "asked", "verdict")
    tables = ((title, _table(headings, _tests(column))) for title, column in decision.columns)
    return "\n\n".join(f"**{title}**\n\n{table}" if title else table for title, table in tables)


def _tests(decision: GateDecision) -> Iterator[tuple[str, ...]]:
    for found in decision.classes:
        floor = found.floor
        shown = (
            f"{found.hits} of {count_words(found.lesions, 'lesion')}, at least {per_cent(floor.lower_bound, 1)} certain"
        )
        yield f"{found.code} found", shown, f"above {per_cent(floor.floor)}", _verdict(floor.verdict)
        yield from (_comparison(f"{found.code} found", each, decision.mode) for each in found.comparisons)
    for each in decision.specificity.comparisons if decision.specificity else ():
        yield _comparison("benign lesions not called malignant", each, decision.mode)
    if decision.macro_f1:
        f1 = decision.macro_f1
        yield (
            "macro-F1",
            f"{f1.champion:.3f} to {f1.candidate:.3f}",
            f"drop of at most {f1.allowed_drop:g}",
            _verdict(f1.verdict),
        )
    for group in decision.subgroups:
        if group.verdict != "shown":
            hits = f"{group.candidate_hits} of {count_words(group.lesions, 'lesion')}, champion {group.champion_hits}"
            asked = f"drop of at most {allowance(group.allowed_drop)}"
            yield f"{group.code}, {group.attribute} {group.group}", hits, asked, _verdict(group.verdict)


def _comparison(what: str, comparison: PairedComparison, mode: Mode) -> tuple[str, ...]:
    low, high = comparison.interval
    found = f"{points(comparison.difference)} points ({points(low)} to {points(high)})"
    asked, verdict = asked_of(comparison, mode), _verdict(comparison.verdict)
    return f"{what}, against the {comparison.reference}", found, asked, verdict


def _verdict(verdict: TestResult) -> str:
    words = verdict_words(verdict)
    return words if verdict == "shown" else f"**{words}**"


def _provenance(record: UpdateRecord, sequence: int | None) -> Iterator[tuple[str, str]]:
    trained = record.dataset.sets
    new = trained["new"].photographs if "new" in trained else 0
    yield "data", f"`{record.dataset.version[:12]}`, {count_words(new, 'new photograph')}"
    if test := trained.get("test"):
        lesions = f"{count_words(test.lesions, 'lesion')} of {count_words(test.patients, 'patient')}"
        yield "test set", f"that of data `{record.dataset.version[:12]}`: {lesions}"
    yield "code", f"`{record.code.commit[:12]}`"
    yield "why", f"{record.trigger.kind.replace('_', ' ')} {record.trigger.evidence}".strip()
    if record.champion:
        yield "compared with", f"version {record.champion.version}"
    if record.training:
        yield "training", f"{duration_words(record.training.seconds)} on {record.training.device}"
    if sequence is not None:
        yield "audit log", f"record {sequence}, attempt `{record.attempt}`"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_safe(cell) for cell in line) + " |" for line in lines)


def _safe(text: str) -> str:
    """On one line, and nothing in it that Markdown or HTML would take for its own."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
