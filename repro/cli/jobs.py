"""The functions that SLURM jobs call."""

from pathlib import Path

from repro.cluster import job, ledger, reports, rounds
from repro.cluster.lock import report_lock
from repro.cluster.submit import EntryPoints
from repro.errors import ReproError
from repro.runs.store import Store


def report(folder: str) -> None:
    """Queues interrupted runs and the seeds that verdicts request, then judges and renders the stored runs.

    The outcome is recorded with the submission, and shown by `repro status`.
    """
    from repro.cli.verdicts import verdicts
    from repro.collecting.collect import collect
    from repro.judging import verdicts_json
    from repro.reporting.report import render

    submission = ledger.load(Path(folder))
    reports.note(submission, "begun", "", "")
    following = ""
    try:
        order = submission.order
        session = collect(scale=order.scale, paths=order.paths, keyword=order.keyword, copy=order.copy)
        patience = rounds.patience(submission)
        following = rounds.queue_next_round(submission, session, ENTRY_POINTS, patience)
        print(following, flush=True)
        with report_lock(submission.order.report, patience):
            store = Store(order.results)
            made = verdicts(session, store, scale=order.scale, copy=order.copy).contents
            verdicts_json.save(made, order.report / "verdicts.json")
            for line in render(made, order.report):
                print(line, flush=True)
    except BaseException as error:
        message = str(error) if isinstance(error, ReproError) else f"{type(error).__name__}: {error}"
        reports.note(submission, "failed", message, following)
        raise
    reports.note(submission, "written", "", following)


ENTRY_POINTS = EntryPoints(work=job.work, report=report)
