"""What changed since another judgement, as the page shows it."""

import hashlib
from collections.abc import Mapping
from typing import Any

from repro.judging.verdicts_json import text
from repro.reporting.against import Change, differences, other_code
from repro.reporting.text import plain, short

Json = dict[str, Any]

HEADINGS = {
    "claim": "Verdicts",
    "check": "Verdicts at single points",
    "number": "Measured values",
    "criterion": "Frozen criteria, by their SHA-256",
    "run": "Runs: how they ended, or the digest of what they computed",
}


def since(old: Json, new: Json, name: str) -> Json:
    """The contents of the section: the other judgement, called ``name``, and what has changed, in groups.

    Raises:
        StoreError: the two are of different scales.
    """
    claim_of = {row["check"]: row["claim"] for row in new["judgements"]}
    groups = [
        {"heading": HEADINGS[one.what], "rows": [_row(change, claim_of) for change in one.named], "more": one.more}
        for one in differences(plain(old), plain(new))
    ]
    return {
        "name": plain(name),
        "sha256": hashlib.sha256(text(old).encode()).hexdigest()[:12],
        "other_code": other_code(old, new),
        "groups": groups,
    }


def _row(change: Change, claim_of: Mapping[str, str]) -> Json:
    """A change, and the claim that it is about, "" if it is about none."""
    check = change.name.partition(", ")[0]
    about = (
        claim_of.get(change.name) or claim_of.get(check) or (change.name if change.name in claim_of.values() else "")
    )
    return {"name": change.name, "claim": about, "before": short(change.before), "after": short(change.after)}
