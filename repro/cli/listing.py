"""The claims of the selected checks, a paragraph each: verdict where there is one, sentence, source."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from repro.cli import shared
from repro.cli.output import say, wrapped
from repro.errors import StoreError
from repro.planning.quantities import counted

if TYPE_CHECKING:
    from repro.claim import Claim


def listed(arguments: argparse.Namespace) -> dict[str, Any]:
    """An entry a claim, in order of collection, and why others have no point at this scale.

    "verdict" is null where none of this scale has been written.
    """
    session = shared.collect(arguments)
    claims = {check.claim.id: check.claim for check in session.selected}
    verdicts = _verdicts(arguments)
    return {
        "scale": arguments.scale,
        "claims": [_entry(claim, verdicts.get(claim.id)) for claim in claims.values()],
        "not_at_this_scale": {} if arguments.claims or arguments.keyword else session.pointless,
    }


def lines(made: dict[str, Any]) -> Iterator[str]:
    """A paragraph a claim under the name of its work, wrapped at words on a terminal."""
    found = made["claims"]
    width = max((len(entry["claim"]) for entry in found), default=0)
    work = None
    for entry in found:
        if entry["work"] != work:
            yield ("" if work is None else "\n") + entry["work"]
            work = entry["work"]
        source = f"{entry['place']}" + (f": {entry['reference']}" if entry["reference"] else "")
        text = f"  {entry['claim']:<{width}}  {entry['verdict'] or '-'}: {entry['sentence']} ({source})"
        yield wrapped(text, width + 4)
    judged = sum(entry["verdict"] is not None for entry in found)
    yield f"\n{counted(len(found), 'claim')}, {judged} with a verdict at scale {made['scale']}"
    if made["not_at_this_scale"]:
        yield wrapped(f"Not at this scale: {', '.join(made['not_at_this_scale'])}", 2)


def _entry(claim: "Claim", verdict: str | None) -> dict[str, Any]:
    return {
        "claim": claim.id,
        "work": claim.source.work,
        "place": claim.source.place,
        "reference": claim.source.reference,
        "sentence": claim.sentence,
        "primary": claim.primary,
        "verdict": verdict,
    }


def _verdicts(arguments: argparse.Namespace) -> dict[str, str]:
    """By claim, what verdicts.json has for it at this scale; nothing, and why, where it cannot be read."""
    from repro.judging import verdicts_json
    from repro.judging.verdict import in_a_word

    path = arguments.report / "verdicts.json"
    try:
        made = verdicts_json.load(path)
    except StoreError as error:
        if path.exists():
            say(str(error))
        return {}
    if made["scale"] != arguments.scale:
        return {}
    return {entry["claim"]: in_a_word(entry["verdict"], entry["answer"]) for entry in made["claims"]}
