"""Queued runs: what is missing and not under way, as job arrays through submitit, and the job that reports at last."""

import json
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from repro.cluster import ledger, scheduler
from repro.cluster.choice import Choice
from repro.cluster.elements import Element
from repro.cluster.ledger import Array, Order, Submission
from repro.cluster.profile import Profile
from repro.errors import ClusterError, ReproError
from repro.provenance import code_digest, commit
from repro.runs.lease import Lease
from repro.runs.store import Store, explain_write_errors, write_with

REPORT_MINUTES = 30


@contextmanager
def alone(store: Store, patience: float = 0.0) -> Iterator[None]:
    """Lets one process at a time choose and queue, so that no run is queued twice; waits so many seconds for another.

    Raises:
        ClusterError: another is at it.
    """
    folder = store.root / ledger.FOLDER
    until = time.monotonic() + patience
    while True:
        with explain_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lease = Lease.take(folder)
        if lease is not None:
            break
        if time.monotonic() >= until:
            raise ClusterError(f"another process submits to {store.root} at this moment; say it again when it is done.")
        time.sleep(1)
    try:
        with lease.kept():
            yield
    finally:
        lease.release()


def queue(
    order: Order,
    profile: Profile,
    choice: Choice,
    *,
    before: Submission | None = None,
    round: int = 0,
    keep: bool = False,
) -> Submission:
    """Puts the chosen runs into the queue, an array a call of sbatch, and a job that reports behind them.

    With nothing to queue it is the report job alone, behind the runs that are under way.

    ``before`` is the submission that this one is a further round of: the code must still be the one it began with.

    Raises:
        ClusterError: sbatch refused, with its words; what was queued before is cancelled, or left if ``keep``.
    """
    store = Store(order.results)
    flat = [element for array in choice.arrays for element in array]
    submission = Submission(
        id=(made := ledger.new_id()),
        chain=before.chain if before else made,
        order=order,
        profile=profile,
        code=before.code if before else code_digest(),
        commit=commit(),
        round=round,
        created=time.time(),
        elements=tuple(tuple(run.spec.key for run in element.runs) for element in flat),
        gpu_hours=choice.gpu_hours,
        reused_seconds=sum(store.run(run.spec).record.get("seconds", 0.0) for run in choice.reused),
        excluded=ledger.avoided(store, profile),
    )
    try:
        ledger.create(submission)
        _write_elements(submission, flat)
        with scheduler.outside_a_job():
            for array in choice.arrays:
                submission = _queue_array(submission, array)
            # Runs that others queued belong into this report too, above all when those others were killed meanwhile.
            return _queue_report(submission, choice.jobs)
    except BaseException as error:
        words = _after_refusal(submission, error, keep)
        if isinstance(error, ReproError):
            raise type(error)(words) from None
        raise


def _queue_array(submission: Submission, array: Sequence[Element]) -> Submission:
    from repro.cluster.job import work

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
        **share(profile, array[0].workers),
        gpus_per_node=profile.gpus_per_node,
        gres=profile.gres,
    )
    with refusals():
        jobs = made.map_array(work, [str(submission.folder)] * len(numbers), numbers)
    entry = Array(
        job=jobs[0].job_id.partition("_")[0],
        first=first,
        count=len(numbers),
        minutes=array[0].minutes,
        workers=array[0].workers,
    )
    submission = replace(submission, arrays=(*submission.arrays, entry))
    submission.save()
    return submission


def _queued(submission: Submission) -> int:
    """How many elements the scheduler has taken."""
    return sum(array.count for array in submission.arrays)


def _queue_report(submission: Submission, others: Collection[str] = ()) -> Submission:
    from repro.cluster.job import report

    ids = sorted({array.job for array in submission.arrays} | set(others))
    own = submission.profile.report_partition  # its nodes need not be like those that train
    made = executor(
        submission,
        log=submission.log,
        job_name=submission.report_name,
        time=REPORT_MINUTES if own else min(REPORT_MINUTES, submission.profile.minutes),
        **({"partition": own, "constraint": None} if own else {}),
        # afterok would wait for ever behind a failure.
        dependency=f"afterany:{':'.join(ids)}",
    )
    with refusals():
        job = made.submit(report, str(submission.folder))
    submission = replace(submission, report_job=job.job_id)
    submission.save()
    return submission


def report_is_coming(store: Store) -> bool:
    """Whether a report job is in the queue; one that was queued as its submission was killed does not count."""
    waiting = {one.report_job for one in ledger.submissions(store)}
    return any(job.live and job.id in waiting and job.name.endswith(".report") for job in scheduler.jobs())


def executor(submission: Submission, *, log: Path, **parameters: Any) -> Any:
    """submitit's executor for one kind of job of a submission; ``log`` is its folder."""
    import submitit

    profile = submission.profile
    with refusals():
        made = submitit.SlurmExecutor(log, python=profile.python)
        made.update_parameters(
            **{
                "partition": profile.partition,
                "account": profile.account,
                "qos": profile.qos,
                "constraint": profile.constraint,
                "exclude": ",".join(submission.excluded) or None,
                **share(profile, 1),
                # SLURM tells jobs when they began only since 23.02.
                "setup": ["export REPRO_BEGAN=$(date +%s)", *profile.setup],
                "stderr_to_stdout": True,
                "wckey": None,
                "additional_parameters": {
                    "requeue": True,
                    **{name: value for name, value in profile.sbatch.items() if value is not False},
                },
                **parameters,
            }
        )
    return made


def share(profile: Profile, runs: int) -> dict[str, Any]:
    """What a job asks for in which so many runs train at a time."""
    cpus = profile.cpus * runs
    # srun does not inherit cpus-per-task since SLURM 22.05.
    return {"cpus_per_task": cpus, "srun_args": [f"--cpus-per-task={cpus}"], "mem": profile.megabytes(runs)}


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what submitit raises into one line with the scheduler's words."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    try:
        yield
    except FailedJobError as error:
        lines = [line for line in str(error).splitlines() if line.startswith("sbatch: ")]
        raise ClusterError(
            scheduler.refusal("sbatch", "\n".join(line.removeprefix("sbatch: ") for line in lines) or str(error))
        ) from None
    except (FailedSubmissionError, ValueError, RuntimeError, OSError) as error:
        raise ClusterError(f"submitit said: {error}") from None


def _after_refusal(submission: Submission, error: BaseException, keep: bool) -> str:
    """Cancels what was queued before an error, or leaves it, and says which."""
    ids = [array.job for array in submission.arrays]
    with suppress(ClusterError):  # sbatch may have queued an array and failed to say so
        scheduler.cancel_by_name(submission.array_name(_queued(submission)))
    if not ids:
        shutil.rmtree(submission.folder, ignore_errors=True)
        return f"{error} Nothing was queued."
    named = ", ".join(ids)
    if keep:
        try:
            with scheduler.outside_a_job():
                _queue_report(submission)
        except ClusterError:  # the same refusal again, most likely
            return (
                f"{error} Queued before that, and kept: {named}; no report job could be queued: repro judge, at last."
            )
        return f"{error} Queued before that, and kept: {named}."
    try:
        scheduler.cancel(ids)
    except ClusterError as second:
        return f"{error} Queued before that: {named}, and not cancelled: {second}"
    return f"{error} Queued before that, and cancelled: {named}; --if-refused keep would have left them."


def _write_elements(submission: Submission, flat: Sequence[Element]) -> None:
    for number, element in enumerate(flat):
        # Not flushed to the disk one by one, which takes most of a large submission's time: they can be written again.
        write_with(submission.element_file(number), partial(_fill, element))


def _fill(element: Element, draft: Path) -> None:
    runs = [{"spec": run.spec.to_json(), "criteria": run.criteria} for run in element.runs]
    draft.write_text(json.dumps({"workers": element.workers, "minutes": element.minutes, "runs": runs}))
