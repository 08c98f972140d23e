"""Groups of runs that failed or stopped, by cause, each with the command that fixes it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from repro.cluster import fate
from repro.cluster.fate import Fate
from repro.runs.store import Store

LOG_LINES = 5  # of the log shown for a group
# What differs between runs that fail for the same cause: keys and digests, paths, numbers. (Names are known.)
VARYING = ((r"\b[0-9a-f]{12,64}\b…?", "#"), (r"(?:/[^\s/:'\"(),]+)+/?", "/…"), (r"\d+(?:\.\d+)?", "#"))
FIXES = {
    "failed": "fix the cause, then: repro retry",
    "exhausted": "raise time or requeues in the profile, then: repro retry",
    "waiting": "fix the cause, then: repro submit",
    "killed": "repro submit queues them again",
    "cancelled": "repro submit queues them again",
    "paused": "repro submit resumes them",
}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs of one state and one cause."""

    state: str
    why: str  # of the example, from its traceback or its attempt
    count: int
    names: tuple[str, ...]  # of the first few; the first is the example
    nodes: tuple[str, ...]
    exit_code: str
    log: tuple[str, ...]  # the end of the example's log
    command: str  # that fixes it


def groups(found: Sequence[Fate], store: Store) -> list[Group]:
    """What went wrong, grouped by cause, the most frequent first."""
    made: dict[tuple[str, str], list[tuple[Fate, str]]] = {}
    for one in found:
        if one.state not in ("complete", "missing", *fate.UNDER_WAY):
            why = _why(one, store)
            made.setdefault((one.state, _cause(why, one.spec.name)), []).append((one, why))
    return [
        Group(
            state=state,
            why=some[0][1],
            count=len(some),
            names=tuple(one.spec.name for one, _ in some[:3]),
            nodes=tuple(sorted({one.node for one, _ in some if one.node})),
            exit_code=", ".join(sorted({one.exit_code for one, _ in some if one.exit_code})),
            log=_log_end(some[0][0]),
            command=f"{FIXES[state]}; full log: repro logs '{some[0][0].spec.name}'",
        )
        for (state, _), some in sorted(made.items(), key=lambda item: -len(item[1]))
    ]


def _why(one: Fate, store: Store) -> str:
    """The error and the innermost frame of a traceback; else why the run ended."""
    if one.state != "failed":
        return one.why
    lines = [line.strip() for line in store.traceback(one.spec).splitlines()]
    frames = [line for line in lines if line.startswith("File ")]
    return f"{store.failure(one.spec)} ({frames[-1]})" if frames else one.why


def _cause(why: str, name: str) -> str:
    """A message without the parts that are specific to one run."""
    text = why.replace(name, "RUN")
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text


def _log_end(one: Fate) -> tuple[str, ...]:
    if one.submission is None or one.element is None:
        return ()
    try:
        log = one.submission.log_of(one.submission.job_of(one.element))
        return tuple(log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-LOG_LINES:])
    except OSError:
        return ()
