"""Status: the submitted runs of a plan and their reports, as the user sees them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from repro.cluster import deaths, fate, reports, scheduler
from repro.cluster import snapshot as snapshots
from repro.cluster.fate import Fate
from repro.cluster.groups import Group, groups
from repro.cluster.hints import hint
from repro.cluster.hours import accounted
from repro.cluster.orphans import Orphan, orphans
from repro.cluster.reports import ADVICE, Report
from repro.cluster.snapshot import Snapshot
from repro.errors import ClusterError
from repro.planning.plan import Plan
from repro.planning.quantities import counted
from repro.runs.store import Store


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Everything that status shows, from one reading of the files and one of the queue."""

    fates: dict[str, Fate]
    groups: tuple[Group, ...]
    reports: tuple[Report, ...]
    orphans: tuple[Orphan, ...]
    snapshot: Snapshot
    account: dict[str, Any] | None
    silent: str = ""  # why the scheduler was not asked

    @property
    def counts(self) -> Counter[str]:
        """Runs by state."""
        return Counter(str(one.state) for one in self.fates.values())

    @property
    def code(self) -> int:
        """Exit code: 2 if something failed, 3 if something is still to come, 0 if runs and report are complete."""
        counts, states = self.counts, {one.state for one in self.reports}
        if any(counts[state] for state in fate.STUCK) or states & {"failed", "lost"}:
            return 2
        return 3 if sum(counts.values()) > counts["complete"] or "coming" in states else 0


def overview(made: Plan, store: Store) -> Overview:
    """Reads the submissions once and asks the scheduler once, or not at all if everything is complete."""
    snapshot = snapshots.read(store)
    specs = [run.spec for run in made.runs]
    queue: list[scheduler.Job] | None = []
    silent = ""
    waiting = any(run.condition != "complete" for run in made.runs) or snapshot.damaged
    unwritten = any(one.state != "written" for one in _reports(specs, snapshot, ()))
    if waiting or unwritten:
        if not scheduler.is_here():
            queue, silent = None, "SLURM's commands are not on this machine: status from files alone"
        else:
            try:
                queue = scheduler.jobs()
                snapshot = deaths.learn_if_told(snapshot, queue)
            except ClusterError as error:
                queue = None
                silent = f"status from files alone, as the scheduler does not answer; retry later: {error}"
    found = fate.fates(specs, snapshot, queue)
    return Overview(
        fates=found,
        groups=tuple(groups(list(found.values()), store)),
        reports=tuple(
            one for one in _reports(specs, snapshot, queue or ()) if queue is not None or one.state != "lost"
        ),
        orphans=tuple(orphans(snapshot, queue or ())),
        snapshot=snapshot,
        account=accounted(snapshot),
        silent=silent,
    )


def _reports(specs: Sequence[Any], snapshot: Snapshot, queue: Sequence[scheduler.Job]) -> list[Report]:
    """The reports in which these runs are to appear."""
    keys = {spec.key for spec in specs}
    own = {
        one.submission.order.selection
        for one in snapshot.entries
        if not one.submission.elements or any(key in keys for some in one.submission.elements for key in some)
    }
    return [one for one in reports.reports(snapshot, queue) if one.submission.order.selection in own]


def lines(found: Overview) -> Iterator[str]:
    """The fate of every run of a plan, failures by cause, the reports, and what the jobs cost."""
    yield ", ".join(f"{count} {state}" for state, count in sorted(found.counts.items())) or "nothing planned"
    for state in fate.UNDER_WAY:
        for why, count in Counter(one.why for one in found.fates.values() if one.state == state and one.why).items():
            advice = hint(why) if state == "queued" else ""
            yield f"  {state}: {count} ({why}{'; ' if advice else ''}{advice})"
    if found.silent:
        yield found.silent
    for group in found.groups:
        yield ""
        yield f"{group.count} {group.state}: {group.why}"
        yield f"  {', '.join(group.names)}{' …' if group.count > len(group.names) else ''}"
        yield f"  nodes {', '.join(group.nodes) or 'unknown'}; exit code {group.exit_code or 'unknown'}"
        yield from (f"  | {line}" for line in group.log)
        yield f"  {group.command}"
    for one in found.snapshot.damaged:
        yield ""
        yield f"submission {one.id} is damaged and left out: {one.error}"
        yield f"  its jobs are named repro.{one.id}.*; repro cancel includes them; then delete {one.folder}"
    for orphan in found.orphans:
        yield ""
        lost = counted(orphan.count, "job")
        yield f"{lost} of submission {orphan.id}, which is deleted or damaged: {', '.join(orphan.jobs)}"
        yield "  repro cancel includes them"
    for report in found.reports:
        yield from _report_lines(report)
    yield from _account_lines(found.account, found.snapshot)


def _report_lines(one: Report) -> Iterator[str]:
    yield ""
    where = one.submission.order.report / "report.html"
    match one.state:
        case "coming":
            advice = hint(one.message.partition(", ")[2])
            yield f"report job {one.job}: {one.message}{'; ' if advice else ''}{advice}"
        case "written":
            yield f"report: {where}{' (' if one.message else ''}{one.message}{')' if one.message else ''}"
        case "failed":
            yield f"report job {one.job} failed: {one.message}"
            yield f"  {ADVICE}"
        case "lost":
            yield f"there is no report: {one.message}"
            yield f"  {ADVICE}"
    if one.round:
        yield f"  after the last report: {one.round}"


def _account_lines(account: dict[str, Any] | None, snapshot: Snapshot) -> Iterator[str]:
    if account is None:
        return
    hours = account["hours"]
    gpus = any(one.submission.profile.gpus and one.submission.profile.device == "cuda" for one in snapshot.entries)
    yield ""
    yield (
        f"{'GPU-hours' if gpus else 'job-hours'}: {hours['allocated']:.3f} allocated in {hours['attempts']} attempts, "
        f"{hours['useful']:.3f} useful, {hours['wasted']:.3f} wasted; "
        f"saved: {hours['reused']:.3f} by reuse, {hours['resumed']:.3f} by checkpoints"
    )
    if account["damaged_runs"]:
        keys = ", ".join(key[:12] for key in account["damaged_runs"])
        yield f"spec.json of {keys} cannot be read, so their training counts as wasted; delete these folders"
    for node in account["excluded_nodes"]:
        yield f"node {node['node']} of {node['cluster']} is excluded: {node['why']}"


def to_json(found: Overview) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "runs": found.counts,
        "fates": [
            {"key": key, "name": one.spec.name, "state": one.state, "why": one.why, "job": one.job, "node": one.node}
            for key, one in found.fates.items()
        ],
        "failures": [asdict(group) for group in found.groups],
        "reports": [
            {
                "folder": str(one.submission.order.report),
                **{k: getattr(one, k) for k in ("state", "job", "message", "round")},
            }
            for one in found.reports
        ],
        "damaged": [{"id": one.id, "error": one.error} for one in found.snapshot.damaged],
        "orphans": [asdict(one) for one in found.orphans],
        "account": found.account,
        "silent": found.silent,
    }
