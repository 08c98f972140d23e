"""The report is part of a submission's state: who writes it, what became of it, and who hears of it."""

import dataclasses
from pathlib import Path

import pytest

from repro.cli import jobs
from repro.cluster import rounds
from repro.cluster.snapshot import read
from repro.collecting.collect import collect
from repro.runs.store import Store
from tests.cluster.made import last, paused

SUBMIT = ("submit", "tiny.py", "--cluster", "box")


@pytest.fixture
def submitted(cluster, fill):
    """A submission whose runs are all complete and whose jobs have left the queue."""
    code, printed = cluster.run(*SUBMIT)
    assert code == 0, printed
    for depth in (8, 14):
        fill(cluster.place / "results", depth, 90.0)
    return cluster


def report(cluster, monkeypatch):
    """Runs the last submission's report job here."""
    monkeypatch.setattr(rounds, "queue_next_round", lambda *_: "no further round is needed")
    jobs.report(str(last(cluster).folder))


def test_a_written_report_is_shown_and_nothing_more_is_queued(submitted, monkeypatch):
    report(submitted, monkeypatch)
    code, printed = submitted.run("status", "tiny.py")
    assert code == 0
    assert f"report: {submitted.place / 'report' / 'report.html'}" in printed
    assert "no further round is needed" in printed
    assert "nothing to queue" in submitted.run(*SUBMIT)[1]


def test_a_report_job_that_ended_without_a_report_is_shown_and_queued_again(submitted):
    code, printed = submitted.run("status", "tiny.py")
    assert code == 2
    assert "6 complete" in printed
    assert f"there is no report: job {last(submitted).report_job} ended without a report" in printed
    code, printed = submitted.run(*SUBMIT)
    assert (code, "nothing to queue" in printed) == (0, False)
    assert "at once" in printed
    assert len(read(Store(submitted.place / "results")).entries) == 2


def test_a_report_job_that_failed_says_why_in_status(submitted, monkeypatch):
    def broken(*_):
        raise RuntimeError("template page.html.j2, line 3: unexpected end")

    monkeypatch.setattr("repro.reporting.report.render", broken)
    with pytest.raises(RuntimeError):
        report(submitted, monkeypatch)
    code, printed = submitted.run("status", "tiny.py")
    assert code == 2
    assert "failed: RuntimeError: template page.html.j2, line 3" in " ".join(printed.split())
    assert "at once" in submitted.run(*SUBMIT)[1]


def test_a_claim_file_that_the_report_job_cannot_read_is_shown(submitted, monkeypatch):
    Path("tiny.py").rename("moved.py")
    with pytest.raises(Exception, match="does not exist"):
        report(submitted, monkeypatch)
    Path("moved.py").rename("tiny.py")
    code, printed = submitted.run("status", "tiny.py")
    assert code == 2
    assert "tiny.py does not exist" in " ".join(printed.split())


def test_a_report_that_is_coming_is_not_queued_twice(submitted):
    one = last(submitted)
    submitted.queue((one.report_job, one.report_name, "PENDING", "", "Dependency"))
    code, printed = submitted.run("status", "tiny.py")
    assert code == 3
    assert f"report job {one.report_job}: PENDING, Dependency" in printed
    assert "nothing to queue" in submitted.run(*SUBMIT)[1]


def test_a_report_that_the_user_wrote_meanwhile_counts(submitted):
    assert submitted.run("judge", "tiny.py")[0] in (0, 1)
    assert submitted.run("report")[0] == 0
    code, printed = submitted.run("status", "tiny.py")
    assert code == 0
    assert "report.html (by hand)" in " ".join(printed.split())


def test_a_report_whose_folder_was_deleted_is_queued_again(submitted, monkeypatch):
    report(submitted, monkeypatch)
    (submitted.place / "report" / "report.html").unlink()
    assert submitted.run("status", "tiny.py")[0] == 2
    assert "at once" in submitted.run(*SUBMIT)[1]


def test_two_selections_have_a_folder_each_and_submit_names_it(cluster):
    cluster.run(*SUBMIT, "-k", "tiny[depth=8]")
    first = last(cluster)
    code, printed = cluster.run(*SUBMIT, "-k", "tiny[depth=14]")
    assert code == 0
    assert f"{cluster.place / 'report'} is the report of another selection; this one is written to" in printed
    assert first.order.report == cluster.place / "report"
    assert last(cluster).order.report == cluster.place / "report-2"


def test_a_report_of_another_selection_is_not_taken_for_ours(cluster, fill):
    cluster.run(*SUBMIT, "-k", "tiny[depth=8]")
    one = last(cluster)
    for depth in (8, 14):
        fill(cluster.place / "results", depth, 90.0)
    cluster.queue((one.report_job, one.report_name, "PENDING", "", "Dependency"))
    assert cluster.run("status", "tiny.py", "-k", "tiny[depth=14]")[0] == 0  # no report of it was ordered
    assert cluster.run("status", "tiny.py", "-k", "tiny[depth=8]")[0] == 3


@pytest.mark.parametrize("state", ["begun", "written", "failed"])
def test_a_report_job_on_a_full_disk_is_still_shown_by_the_queue(submitted, monkeypatch, state):
    one = last(submitted)
    monkeypatch.setattr("repro.cluster.reports.write", full)
    from repro.cluster import reports

    reports.note(one, state, "", "")
    assert not (one.folder / "report.json").exists()
    assert submitted.run("status", "tiny.py")[0] == 2


def full(path, _content):
    from repro.errors import StoreError

    raise StoreError(f"{path} cannot be written: No space left on device.")


@pytest.fixture
def overtaken(cluster):
    """A submission whose runs are all paused, and of which others have since queued one of two points."""
    cluster.run(*SUBMIT)
    first = paused(cluster)
    for depth in (8, 14):
        cluster.run(*SUBMIT, "-k", f"tiny[depth={depth}]")
        second = last(cluster)
        jobs_of = [(second.job_of(number), second.array_name(0), "PENDING", "", "Priority") for number in range(3)]
        with (cluster.bin / "queue").open("a") as queue:
            queue.writelines("|".join(job) + "\n" for job in jobs_of)
    return cluster, first


def next_round(one):
    return rounds.queue_next_round(one, collect(scale="smoke", paths=["tiny.py"]), jobs.ENTRY_POINTS, 0.0)


def test_a_report_follows_runs_that_other_submissions_have_queued(overtaken):
    cluster, first = overtaken
    arrays = [
        array.job for one in read(Store(cluster.place / "results")).entries[1:] for array in one.submission.arrays
    ]
    said = next_round(first)
    assert f"report job {last(cluster).report_job} follows when they have ended" in said
    assert f"--dependency=afterany:{':'.join(arrays)}\n" in cluster.script
    assert (last(cluster).order.selection, last(cluster).elements) == (first.order.selection, ())


def test_where_a_report_follows_already_there_is_no_second(overtaken):
    cluster, first = overtaken
    next_round(first)
    with (cluster.bin / "queue").open("a") as queue:
        queue.write(f"{last(cluster).report_job}|{last(cluster).report_name}|PENDING||Dependency\n")
    assert next_round(first) == "no further round is needed"


@pytest.mark.parametrize("minutes", [5, 20, 300])
def test_a_report_job_waits_for_one_thing_for_a_quarter_of_its_time_at_most(submitted, minutes):
    one = dataclasses.replace(last(submitted), profile=dataclasses.replace(last(submitted).profile, time=f"{minutes}m"))
    assert rounds.patience(one) == 60 * min(minutes, 30) / 4
