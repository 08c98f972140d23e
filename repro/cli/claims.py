"""Subcommands about claims: new, list, preregister, explain."""

import argparse
from pathlib import Path

from repro.cli import shared
from repro.errors import ClaimError


def new(arguments: argparse.Namespace) -> int:
    """Writes the folder of a new work into the claims that are here."""
    from repro.collecting.new import write_work

    files = [str(file) for file in write_work(arguments.work, Path("claims"))]
    arguments.tell(lambda: {"files": files}, [*files, f"Next: repro verify claims/{arguments.work}"])
    return 0


def listing(arguments: argparse.Namespace) -> int:
    """Lists the claims: sentence, source, and the verdict that verdicts.json has."""
    from repro.cli.listing import lines, listed

    made = listed(arguments)
    arguments.tell(lambda: made, lines(made))
    return 0


def preregister(arguments: argparse.Namespace) -> int:
    """Writes the frozen rules of the selected checks, at every scale, into one file."""
    from datetime import UTC, datetime

    from repro.claim import CONTROL
    from repro.collecting.collect import at_every_scale
    from repro.judging.imagined import refuse_misspelt
    from repro.judging.preregister import place
    from repro.judging.preregister import preregister as register

    today = datetime.now(UTC).date()
    paths, ids = shared.chosen(arguments)
    checks = at_every_scale(paths=paths, ids=ids, keyword=arguments.keyword, copy=arguments.data)
    refuse_misspelt(checks)
    own = [check for check in checks if check.claim.source.work != CONTROL] or checks
    places = list(dict.fromkeys(place(check) for check in own))
    if arguments.to is None and len(places) > 1:
        raise ClaimError(
            f"the claims lie beside {' and '.join(map(str, places))}; register those of one, or name --to."
        )
    path = arguments.to or places[0] / f"{today.isoformat()}.json"
    digest = register(checks, path, today=today)
    unread = [] if path.absolute().parent in places else [f"The judge reads only {places[0]}: move it there"]
    arguments.tell(
        lambda: {"file": str(path), "rules": len(checks), "sha256": digest},
        [
            f"{path}: {len(checks)} rules, SHA-256 {digest}",
            *unread,
            "Next: commit and tag it, or deposit it, before the first run",
        ],
    )
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """Explains what claims say, and what is trained, measured and required.

    Raises:
        ClaimError: none is named.
    """
    from repro.judging.explain import explain as explained
    from repro.judging.verdict import to_json

    if not (arguments.claims or arguments.keyword):
        raise ClaimError("name what to explain: an id, a claim file, or -k and words; `repro list` names all.")
    session = shared.collect(arguments)
    options = shared.options(arguments, "scale", "data", "results")
    found = explained(session.selected, shared.store(arguments), list(session.checks.values()), options)
    arguments.tell(
        lambda: [
            {"claim": one.claim, "text": one.text, "judgements": [to_json(row) for row in one.judgements]}
            for one in found
        ],
        ["\n\n".join(one.text for one in found)],
    )
    return 0
