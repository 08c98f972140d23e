"""What happens to jobs on a cluster, done to them on a real one: stores end complete, verdicts are the local ones."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from repro.cluster import scheduler
from tests.slurm.commands import daemon, signalled, slurm


@pytest.fixture
def long(user):
    """The user with two runs that are long enough to be met in training."""
    user.claim(epochs=16)
    return user


def element_jobs(user):
    last = user.submissions[-1]
    return [last.job_of(number) for number in range(len(last.elements))]


def job_of(pid):
    """The scheduler's id of the job that a process belongs to."""
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    known = dict(entry.partition("=")[::2] for entry in entries)
    return f"{known['SLURM_ARRAY_JOB_ID']}_{known['SLURM_ARRAY_TASK_ID']}"


def until_signalled(user, jobs, number):
    """Waits until a signal has come to jobs that are stopped, and will find it when they go on."""
    user.wait_for(lambda: all(signalled(job, number) for job in jobs))


def test_a_run_resumes_after_a_time_limit(long, sound):
    # The scheduler looks at limits every 30 s: its signal comes 40 to 70 s after the start.
    long.profile(time="2m", stop_before="50s", requeues=20, report_partition="main")
    long.submit()
    with long.frozen(2) as jobs:
        until_signalled(long, jobs, signal.SIGUSR2)
    long.wait_for_reports()
    sound(long)
    whys = [attempt.why for attempt in long.attempts() if attempt.end == "requeued"]
    assert max(attempt.restart for attempt in long.attempts()) >= 1
    assert all("time" in why for why in whys)


@pytest.mark.alone
def test_preempted_runs_checkpoint_at_once_and_resume(long, sound):
    long.profile(partition="scavenge")
    long.submit()
    with long.frozen(2) as jobs:
        blocker = slurm("sbatch", "--parsable", "-N2", "--exclusive", "--wrap", "sleep 1", "-o", "/dev/null")
        until_signalled(long, jobs, signal.SIGUSR2)
    try:
        long.wait_for(lambda: [attempt for attempt in long.attempts() if attempt.end == "requeued"])
        long.wait_for_reports()
    finally:
        slurm("scancel", blocker)
    sound(long)
    assert any(part["from_step"] or part["from_epoch"] for run in long.store.runs() for part in run.record["parts"])


@pytest.mark.alone
def test_runs_preempted_without_grace_checkpoint_in_the_seconds_before_they_are_killed(long, sound):
    """SLURM sends SIGTERM twice within milliseconds; jobs that are frozen meanwhile would see it once."""
    long.claim(epochs=128)  # of which some are left when the jobs are preempted, on any machine
    long.profile(partition="graceless")
    long.submit()
    with long.frozen(2):
        blocker = slurm("sbatch", "--parsable", "--hold", "-N2", "--exclusive", "--wrap", "sleep 1", "-o", "/dev/null")
    try:
        slurm("scontrol", "release", blocker)
        long.wait_for_reports()
    finally:
        slurm("scancel", blocker)
    sound(long)
    attempts = long.attempts()
    assert max(one.restart for one in attempts) >= 1, long.picture()
    assert not [one for one in attempts if one.end is None], long.picture()
    assert any(part["from_step"] or part["from_epoch"] for run in long.store.runs() for part in run.record["parts"])


def test_sigterm_from_anything_but_a_cancellation_checkpoints_and_resumes(long, sound):
    """As preemption without the user signal sends it, and `scancel --signal=TERM`."""
    long.submit()
    with long.frozen(2) as jobs:
        slurm("scancel", "--signal=TERM", *element_jobs(long))
        until_signalled(long, jobs, signal.SIGTERM)
    long.wait_for_reports()
    assert {attempt.end for attempt in long.attempts() if attempt.restart == 0} == {"requeued"}
    assert len(long.submissions) == 1
    sound(long)


def test_a_killed_job_is_queued_again_by_the_report_job(long, sound):
    long.submit()
    with long.frozen() as jobs:
        os.kill(jobs[0], signal.SIGKILL)
    long.wait_for_reports()
    assert len(long.submissions) == 2
    assert long.submissions[1].round == 1
    sound(long)
    assert "wasted" in long.run("status")


def test_a_killed_worker_is_replaced_within_its_job_and_leaves_the_others_alone(long, sound):
    long.profile(runs_per_gpu=2)
    long.submit()
    with long.frozen():
        os.kill(long.training()[0], signal.SIGKILL)
    long.wait_for_reports()
    assert len(long.submissions) == 1
    sound(long)


@pytest.mark.alone
def test_daemons_that_stop_and_start_lose_nothing_and_status_waits_for_the_controller(long, sound):
    long.submit()
    with long.frozen():
        for node in ("n1", "n2"):
            daemon("stop", node)
        for node in ("n1", "n2"):
            daemon("start", node)
        daemon("stop", "slurmctld")
        asking = subprocess.Popen(
            long.command("status", "--json"), cwd=long.place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        time.sleep(3)
        daemon("start", "slurmctld")
        printed, words = asking.communicate(timeout=120)
        assert sum(json.loads(printed)["runs"].values()) == 2, words
    long.wait_for_reports()
    assert {attempt.restart for attempt in long.attempts()} == {0}
    sound(long)


@pytest.mark.alone
def test_without_accounting_a_death_is_reported_by_the_controller(long, sound):
    daemon("stop", "slurmdbd")
    try:
        long.submit()
        with long.frozen() as jobs:
            job = job_of(jobs[0])
            os.kill(jobs[0], signal.SIGKILL)
        long.wait_for_reports()
    finally:
        daemon("start", "slurmdbd")
    assert len(long.submissions) == 2
    sound(long)
    deaths = json.loads((long.submissions[0].folder / "deaths.json").read_text())
    assert deaths[job]["state"] == "FAILED"
    assert deaths[job]["exit_code"].startswith(("9:", "0:9", "1"))


def test_cancelling_half_leaves_a_report_and_saying_it_again_ends_it(user, sound):
    user.claim(epochs=12, depths=(8, 14))
    user.profile(parallelism=2)
    user.submit()
    with user.frozen(2) as jobs:
        slurm("scancel", *(job_of(pid) for pid in jobs[:2]))
    user.wait_for_reports()
    status = user.status()
    assert status["runs"] == {"complete": 2, "cancelled": 2}
    assert len(user.submissions) == 1
    assert {row["verdict"] for row in user.verdicts()[0]} & {"PENDING"}
    assert "2 to queue" in user.submit()
    user.wait_for_reports()
    sound(user)


def test_cancel_takes_the_selected_runs_and_keeps_the_report_job(user):
    user.claim(epochs=12, depths=(8, 14))
    user.submit()
    with user.frozen(4):
        assert "2 jobs cancelled with 2 runs" in user.run("cancel", "-k", "tiny[depth=8]")
    user.wait_for(lambda: user.status()["runs"].get("cancelled") == 2)
    status = user.status()
    assert status["reports"]
    user.run("cancel")
    user.wait_for_reports()
    assert (user.place / "report" / "report.html").exists()


def test_a_run_out_of_requeues_is_exhausted_with_what_it_kept(long, sound):
    long.profile(requeues=1)
    long.submit()
    for restart in (0, 1):
        with long.frozen(2) as jobs:
            assert [one.restart for one in long.attempts()].count(restart) == 2
            slurm("scancel", "--signal=USR2", *element_jobs(long))
            until_signalled(long, jobs, signal.SIGUSR2)
        long.wait_for(lambda restart=restart: all(one.end for one in long.attempts() if one.restart == restart))
    long.wait_for_reports()
    status = long.status()
    assert status["runs"] == {"exhausted": 2}
    assert all(long.store.condition(run) == "paused" for run in specs(long))
    assert long.store.progress(specs(long)[0]) > 0
    assert {one["key"] for one in status["account"]["exhausted"]} == {run.key for run in specs(long)}
    assert "2 failed before and are left out" in long.submit()
    assert "2 to queue" in long.run("retry", "--cluster", "box")
    long.wait_for_reports()
    sound(long)


def test_a_job_refuses_code_that_it_was_not_planned_with(user, sound):
    user.profile(hold=True)
    user.submit()
    file = user.submissions[0].folder / "submission.json"
    file.write_text(file.read_text().replace(user.submissions[0].code, "0" * 64))
    user.release()
    user.wait_for(lambda: user.queue() == [user.submissions[0].report_job])
    status = user.status()
    assert status["runs"] == {"waiting": 2}
    assert "was planned with code 000000000000" in status["failures"][0]["why"]
    slurm("scancel", user.submissions[0].report_job)  # it would wait ten minutes for the old code to come back
    user.wait_for_reports()
    user.profile()
    user.run("retry", "--any-code", "--cluster", "box")
    user.wait_for_reports()
    sound(user)


@pytest.mark.alone
def test_a_node_that_fails_is_left_and_excluded_and_the_report_says_so(long, sound):
    long.submit()
    with long.frozen(2):
        attempt = next(attempt for attempt in long.attempts() if attempt.node == "n1")
        daemon("crash", "n1")
    try:
        long.wait_for(lambda: "n1" in [node["node"] for node in long.status()["account"]["excluded_nodes"]])
        long.wait_for_reports()
        sound(long)
        last = [one for one in long.attempts() if one.element == attempt.element][-1]
        assert last.node == "n2"
        page = (long.place / "report" / "report.html").read_text()
        assert "n1" in page
        assert "excluded" in page
        long.claim(depths=(14,))
        long.profile(hold=True)
        assert "excluded nodes: n1" in long.submit()
    finally:
        daemon("start", "n1")
        slurm("scontrol", "update", "nodename=n1", "state=resume")
    long.wait_for(lambda: not scheduler.node_trouble("n1"))
    long.claim(depths=(20,))
    assert "excluded nodes" not in long.submit()  # SLURM uses it again


def specs(user):
    """The runs that were submitted."""
    from repro.runs.spec_json import read_spec

    files = [one.element_file(i) for one in user.submissions for i in range(len(one.elements))]
    found = [read_spec(run["spec"], file) for file in files for run in json.loads(file.read_text())["runs"]]
    return list({spec.key: spec for spec in found}.values())
