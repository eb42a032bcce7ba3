"""A record in one line, for tables and pages."""

from __future__ import annotations

from dermai.audit.entries import Entry


def version_of(entry: Entry) -> str:
    """The model version that a record is about; empty where it is about none."""
    return str(entry.body.get("version") or (entry.body.get("candidate") or {}).get("version") or "")


def summarise(entry: Entry) -> str:
    """What happened, in a sentence without the time and the version."""
    body = entry.body
    by = f"by {body.get('approver')} ({body.get('role')}): {body.get('reason')}"
    champion = (body.get("champion") or body.get("from") or {}).get("version")
    match entry.event:
        case "update_attempt" | "shadow_decision":
            against = f" against version {champion}" if champion else " without a champion to compare with"
            reasons = body.get("reasons", ())
            more = f" (and {len(reasons) - 1} more reasons: `dermai audit show --json`)" if len(reasons) > 1 else ""
            return f"{str(body.get('outcome')).replace('_', ' ')}{against}" + (
                f": {reasons[0]}{more}" if reasons else ""
            )
        case "nothing_new":
            return body.get("change_note") or "nothing new to learn"
        case "promotion":
            return (f"in place of version {champion}, " if champion else "first champion, ") + by
        case "rollback":
            return f"back from version {champion}, {by}"
        case "rejection":
            return by
        case "policy_approval":
            return f"gate policy {body.get('policy_sha256', '')[:12]} approved {by}"
        case "confirmation":
            done = "is void: " + body.get("why", "") if body.get("void") else "done"
            return f"{body.get('move')} of record {body.get('of')} {done}" + (
                " (repaired)" if body.get("repaired") else ""
            )
        case "refusal":
            return f"{body.get('action')} refused: {body.get('why')}"
        case "failure":
            return f"{body.get('step', '')}: {body.get('error', '')}: {body.get('why', '')}".strip(": ")
        case "key_rotation":
            return f"key {body.get('old_fingerprint')} gave way to {body.get('new_fingerprint')}, {by}"
        case "restore":
            lost = f", {body.get('records_lost')} newer records given up" if body.get("records_lost") else ""
            return f"back to the {body.get('records')} records of the backup of {body.get('taken')}{lost}"
        case "repair":
            return str(body.get("what"))
        case _:
            return "; ".join(f"{key} {value}" for key, value in body.items() if not isinstance(value, dict | list))
