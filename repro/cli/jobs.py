"""The functions that SLURM jobs call, by name."""

from pathlib import Path

from repro.cluster import job, ledger, reports, rounds
from repro.cluster.lock import report_lock
from repro.cluster.submit import Jobs
from repro.errors import ReproError
from repro.runs.store import Store

PATIENCE = 600.0  # seconds to wait for another report of the same folder


def report(folder: str) -> None:
    """Queues what was killed or what more seeds a verdict asks for, then judges and renders what there is.

    What became of it is part of the submission's state: `repro status` tells it.
    """
    from repro.cli.judged import judged
    from repro.collecting.collect import collect
    from repro.judging import verdicts_json
    from repro.reporting.report import render

    submission = ledger.load(Path(folder))
    reports.note(submission, "begun", "", "")
    following = ""
    try:
        order = submission.order
        session = collect(scale=order.scale, paths=order.paths, keyword=order.keyword, copy=order.copy)
        following = rounds.queue_next_round(submission, session, JOBS)
        print(following, flush=True)
        with report_lock(submission.order.report, PATIENCE):
            store = Store(order.results)
            made, _ = judged(session, store, scale=order.scale, copy=order.copy, whole=not order.paths)
            verdicts_json.save(made, order.report / "verdicts.json")
            for line in render(made, order.report):
                print(line, flush=True)
    except BaseException as error:
        words = str(error) if isinstance(error, ReproError) else f"{type(error).__name__}: {error}"
        reports.note(submission, "failed", words, following)
        raise
    reports.note(submission, "written", "", following)


JOBS = Jobs(work=job.work, report=report)
