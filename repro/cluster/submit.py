"""Queued runs: job arrays through submitit for the missing runs, and a report job behind them."""

import json
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from repro.cluster import ledger, scheduler
from repro.cluster import snapshot as snapshots
from repro.cluster.avoid import avoided
from repro.cluster.choice import Choice
from repro.cluster.elements import Element
from repro.cluster.ledger import Array, Order, Submission
from repro.cluster.profile import Profile
from repro.cluster.sbatch import executor, refusals, several, share
from repro.errors import ClusterError, ReproError
from repro.provenance import code_digest, commit
from repro.runs.files import write_with
from repro.runs.store import Store


@dataclass(frozen=True, kw_only=True)
class EntryPoints:
    """The functions that jobs call: of installed modules, because a job imports them by name."""

    work: Callable[[str, int], None]  # folder of the submission, number of the element
    report: Callable[[str], None]  # folder of the submission


def queue(
    order: Order,
    profile: Profile,
    choice: Choice,
    entry_points: EntryPoints,
    *,
    before: Submission | None = None,
    round: int = 0,
    keep: bool = False,
) -> Submission:
    """Queues the chosen runs, one call of sbatch per array, and a report job behind them.

    If there is nothing to queue, it queues only the report job, behind the runs under way, if any.

    ``before`` is the submission of the previous round, whose code this one must still have.

    Raises:
        ClusterError: sbatch refused, with its message; what was queued before is cancelled, or left if ``keep``.
    """
    store = Store(order.results)
    snapshot = snapshots.read(store)
    flat = [element for array in choice.arrays for element in array]
    submission = Submission(
        id=(made := ledger.new_id(store.root)),
        chain=before.chain if before else made,
        order=order,
        profile=profile,
        code=before.code if before else code_digest(),
        commit=commit(),
        round=round,
        # Never before one that is there: the clocks of nodes differ by minutes, and the last submission decides.
        created=max([time.time(), *(one.submission.created + 0.001 for one in snapshot.entries[-1:])]),
        elements=tuple(tuple(run.spec.key for run in element.runs) for element in flat),
        gpu_hours=choice.gpu_hours,
        reused_seconds=sum(store.run(run.spec).record.get("seconds", 0.0) for run in choice.reused),
        excluded=avoided(snapshot, profile),
    )
    # Runs that other submissions queued belong into this report too, above all if those were killed meanwhile.
    queue_report = partial(_queue_report, entry_points=entry_points, others=choice.jobs)
    try:
        ledger.create(submission)
        _write_elements(submission, flat)
        with scheduler.outside_a_job():
            for array in choice.arrays:
                submission = _queue_array(submission, array, entry_points)
            return queue_report(submission)
    except BaseException as error:
        message = _after_refusal(submission, error, queue_report if keep else None)
        if isinstance(error, ReproError):
            raise type(error)(message) from None
        raise


def _queue_array(submission: Submission, array: Sequence[Element], entry_points: EntryPoints) -> Submission:
    first = _queued(submission)
    numbers = list(range(first, first + len(array)))
    profile = submission.profile
    made = executor(
        submission,
        log=submission.log,
        job_name=submission.array_name(first),
        time=array[0].minutes,
        array_parallelism=profile.parallelism,
        signal_delay_s=int(profile.seconds("stop_before")),
        **share(profile, array[0].workers) | several(profile, array[0].devices),
    )
    with refusals():
        queued = made.map_array(entry_points.work, [str(submission.folder)] * len(numbers), numbers)
    entry = Array(
        job=queued[0].job_id.partition("_")[0],
        first=first,
        count=len(numbers),
        minutes=array[0].minutes,
        workers=array[0].workers,
    )
    submission = replace(submission, arrays=(*submission.arrays, entry))
    submission.save()
    return submission


def _queued(submission: Submission) -> int:
    """Number of elements that the scheduler has accepted."""
    return sum(array.count for array in submission.arrays)


def _queue_report(submission: Submission, *, entry_points: EntryPoints, others: Collection[str]) -> Submission:
    ids = sorted({array.job for array in submission.arrays} | set(others))
    one = submission.profile.for_report
    made = executor(
        submission,
        log=submission.log,
        job_name=submission.report_name,
        time=one.minutes,
        signal_delay_s=int(one.seconds("stop_before")),  # 90 s by default, a warning that would only end it
        partition=one.partition,
        account=one.account,
        qos=one.qos,
        constraint=one.constraint,
        # afterok would wait forever behind a failure.
        **({"dependency": f"afterany:{':'.join(ids)}"} if ids else {}),
    )
    with refusals():
        job = made.submit(entry_points.report, str(submission.folder))
    submission = replace(submission, report_job=job.job_id)
    submission.save()
    return submission


def _after_refusal(
    submission: Submission, error: BaseException, queue_report: Callable[[Submission], Submission] | None
) -> str:
    """Cancels what was queued before an error, or keeps it with a report job behind it; returns the message."""
    ids = [array.job for array in submission.arrays]
    if unsure := _cancel_unrecorded(submission):  # the folder stays, as they may run
        if ids and queue_report is None:
            with suppress(ClusterError):
                scheduler.cancel(ids)
        kept = f" Queued before that, and perhaps still there: {', '.join(ids)}." if ids else ""
        return (
            f"{error}{kept} Perhaps queued all the same, as scancel fails too: {', '.join(unsure)}. "
            "Once the scheduler answers: repro status, and repro cancel."
        )
    if not ids:
        shutil.rmtree(submission.folder, ignore_errors=True)
        return f"{error} Nothing was queued."
    named = ", ".join(ids)
    if queue_report is not None:
        try:
            with scheduler.outside_a_job():
                queue_report(submission)
        except ReproError:  # most likely the same error again
            _cancel_unrecorded(submission)
            return f"{error} Queued before that, and kept: {named}; no report job could be queued; later: repro judge."
        return f"{error} Queued before that, and kept: {named}."
    try:
        scheduler.cancel(ids)
    except ClusterError as second:
        return f"{error} Queued before that: {named}, and not cancelled: {second}"
    return f"{error} Queued before that, and cancelled: {named}; --if-refused keep would have kept them."


def _cancel_unrecorded(submission: Submission) -> list[str]:
    """Cancels jobs that sbatch queued although it failed, or whose ids could not be written down.

    Returns the names of those that could not be cancelled, if they are there.
    """
    left = []
    for name in (submission.array_name(_queued(submission)), submission.report_name):
        try:
            scheduler.cancel_by_name(name)
        except ClusterError:
            left.append(name)
    return left


def _write_elements(submission: Submission, flat: Sequence[Element]) -> None:
    for number, element in enumerate(flat):
        # Not synced to disk one by one, which would take most of a large submission's time: they can be rewritten.
        write_with(submission.element_file(number), partial(_fill, element))


def _fill(element: Element, draft: Path) -> None:
    runs = [{"spec": run.spec.to_json(), "criteria": run.criteria} for run in element.runs]
    fields = {"workers": element.workers, "devices": element.devices, "minutes": element.minutes, "runs": runs}
    draft.write_text(json.dumps(fields), encoding="utf-8")
