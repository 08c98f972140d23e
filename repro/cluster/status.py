"""Status: what a user is told of the runs of a plan that were submitted, failures together by their cause."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from repro.cluster import deaths, fate, ledger, scheduler
from repro.cluster.fate import Fate
from repro.cluster.hours import account
from repro.cluster.ledger import Submission
from repro.planning.plan import Plan
from repro.runs.store import FAILURE, Store

LOG_LINES = 5  # of a log that a group of failures shows


def status(made: Plan, store: Store, as_json: bool) -> int:
    """Tells the fate of every run of a plan, failures by their traceback, and what the jobs cost."""
    waiting = any(run.condition != "complete" for run in made.runs)
    here = scheduler.is_here()
    queue = scheduler.jobs() if waiting and here else []
    if waiting and here:
        deaths.learn(store, queue)
    found = fate.fates([run.spec for run in made.runs], store, queue)
    counts = Counter(str(one.state) for one in found.values())
    told = account(store)
    groups = _groups(list(found.values()), store)
    submissions = ledger.submissions(store)
    names = {one.report_name for one in submissions}
    coming = [job for job in queue if job.name in names and job.live]
    if as_json:
        rows = [
            {"key": key, "name": one.spec.name, "state": one.state, "why": one.why, "job": one.job, "node": one.node}
            for key, one in found.items()
        ]
        jobs = [asdict(job) for job in coming]
        whole = {"runs": counts, "fates": rows, "failures": groups, "account": told, "reports": jobs}
        print(json.dumps(whole, indent=1))
        return _code(counts)
    print(", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing planned")
    for reason, count in Counter(one.why for one in found.values() if one.state == "queued").items():
        held = "; scontrol release JOB lets them go on, repro cancel gives them up" if "held" in reason else ""
        print(f"  queued: {count} ({reason}{held})")
    if waiting and not here:
        print("SLURM's commands are not here: told from files alone")
    for group in groups:
        print(f"\n{group['count']} {group['state']}: {group['why']}")
        print(f"  {', '.join(group['names'])}{' …' if group['count'] > len(group['names']) else ''}")
        print(f"  nodes {', '.join(group['nodes']) or 'unknown'}; exit code {group['exit_code'] or 'unknown'}")
        for line in group["log"]:
            print(f"  | {line}")
    for job in coming:
        print(f"\nreport job {job.id}: {job.state} ({job.reason})")
    for one in submissions[-1:] if waiting and not coming else []:
        if one.report_job and not _has_reported(one):
            print(f"\nreport job {one.report_job} ended without a report; see {one.log_of(one.report_job)}")
        if (one.folder / "next").exists():
            print(f"\nafter the last report: {(one.folder / 'next').read_text()}")
    _print_account(told)
    return _code(counts)


def _groups(found: Sequence[Fate], store: Store) -> list[dict[str, Any]]:
    """What went wrong, runs with the same traceback together, the most frequent first."""
    groups: dict[tuple[str, str], list[Fate]] = {}
    for one in found:
        if one.state not in ("complete", "missing", *fate.UNDER_WAY):
            groups.setdefault((one.state, _cause(one, store)), []).append(one)
    told = []
    for (state, why), some in sorted(groups.items(), key=lambda item: -len(item[1])):
        told.append(
            {
                "state": state,
                "why": why,
                "count": len(some),
                "names": [one.spec.name for one in some[:3]],
                "nodes": sorted({one.node for one in some if one.node}),
                "exit_code": ", ".join(sorted({one.exit_code for one in some if one.exit_code})),
                "log": _log_end(some[0]),
            }
        )
    return told


def _cause(one: Fate, store: Store) -> str:
    """The innermost frame and the error of a traceback, which many runs share; else why the run ended."""
    try:
        trace = json.loads((store.folder(one.spec) / FAILURE).read_text())
        frames = [line.strip() for line in trace["traceback"].splitlines() if line.strip().startswith("File ")]
        return f"{trace['error']}" + (f" ({frames[-1]})" if frames else "")
    except (OSError, ValueError, KeyError):
        return one.why


def _log_end(one: Fate) -> list[str]:
    if one.submission is None or one.element is None:
        return []
    try:
        log = one.submission.log_of(one.submission.job_of(one.element))
        return log.read_text(errors="replace").rstrip().splitlines()[-LOG_LINES:]
    except OSError:
        return []


def _has_reported(one: Submission) -> bool:
    page = one.order.report / "report.html"
    return page.exists() and page.stat().st_mtime >= one.created


def _print_account(told: dict[str, Any] | None) -> None:
    if told is None:
        return
    hours = told["hours"]
    print(
        f"\nGPU-hours: {hours['allocated']:.3f} allocated in {hours['lives']} lives, {hours['useful']:.3f} useful, "
        f"{hours['wasted']:.3f} wasted; saved: {hours['reused']:.3f} by reuse, {hours['resumed']:.3f} by checkpoints"
    )
    for node in told["excluded_nodes"]:
        print(f"node {node['node']} of {node['cluster']} is excluded: {node['why']}")


def _code(counts: Counter[str]) -> int:
    if counts["failed"] + counts["exhausted"] + counts["refused"]:
        return 2
    return 3 if sum(counts.values()) > counts["complete"] else 0
