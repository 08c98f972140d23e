"""From one command to a report, on a real SLURM."""

import sys
import time

from repro.cluster import scheduler
from tests.slurm.commands import slurm


def test_six_runs_go_from_submit_to_report_without_a_hand(user, sound, record_property):
    user.claim(seeds=3, depths=(8, 14))
    began = time.monotonic()
    printed = user.submit()
    assert "6 to queue in 6 jobs" in printed
    largest = int(scheduler.settings()["MaxArraySize"])
    assert [array.count for array in user.submissions[0].arrays] == ([6] if largest >= 6 else [largest, 6 - largest])
    assert "report job" in printed
    user.wait_for_reports()
    took = time.monotonic() - began
    sound(user)
    assert (user.place / "report" / "report.html").stat().st_size > 10_000
    assert (user.place / "report" / "report.pdf").read_bytes().startswith(b"%PDF")
    training = max(attempt.ended for attempt in user.attempts()) - min(attempt.began for attempt in user.attempts())
    record_property("beyond the jobs' own time, seconds", round(took - training, 1))


def test_a_throttle_limits_the_elements_that_run_at_once(user, sound):
    user.claim(seeds=3, epochs=12)
    # A container's prefix stands before Python just as this one does.
    user.profile(parallelism=2, python=f"env INSIDE=yes {sys.executable}", setup=["export READY=yes"])
    user.submit()
    (array,) = user.submissions[0].arrays
    with user.frozen(2):
        states = slurm("squeue", "-h", "-r", "-j", array.job, "-o", "%T").split()
    assert states.count("RUNNING") == 2
    user.wait_for_reports()
    sound(user)


def test_runs_that_share_a_gpu_in_arrays_of_the_size_allowed_have_the_results_that_they_have_alone(user, sound):
    user.claim(depths=(8, 14))
    user.profile(runs_per_gpu=2, array_size=1)
    assert "4 to queue in 2 jobs" in user.submit()
    assert [array.count for array in user.submissions[0].arrays] == [1, 1]
    user.wait_for_reports()
    sound(user)
    assert {attempt.workers for attempt in user.attempts()} == {2}


def test_a_failing_run_leaves_the_others_alone(user, local):
    user.claim(seeds=3, broken=[1])
    user.profile(runs_per_gpu=3)
    user.submit("--yes")
    user.wait_for_reports()
    status = user.status()
    assert status["runs"] == {"complete": 2, "failed": 1}
    (group,) = status["failures"]
    assert group["count"] == 1
    assert "allocate" in group["why"]
    assert group["nodes"]
    assert group["log"]
    assert user.verdicts()[1] == local(user)[1]
    assert "1 failed before and are left out" in user.submit()


def test_a_second_user_command_does_not_wait_and_says_so(user):
    from repro.cluster.lock import submission_lock

    with submission_lock(user.store):
        assert "another process is submitting" in user.submit(expect=(2,))
    assert user.submissions == []


def test_seeds_that_an_inconclusive_verdict_requests_are_queued_by_the_report_job(user, local, sound):
    user.scale = "paper"
    user.claim(seeds=3)
    (row,), _, _ = local(user)
    mean = row["findings"][0]["estimate"] + 50.0
    user.claim(looks=(3, 5), bar=round(mean, 6))  # nothing can be decided about the mean itself
    assert "3 to queue" in user.submit()
    user.wait_for_reports()
    assert [len(one.elements) for one in user.submissions] == [3, 2]
    (row,), _, _ = user.verdicts()
    assert row["seeds"] == 5
    assert row["next_look"] is None
    sound(user)


def test_no_further_round_is_queued_beyond_the_hours_that_were_granted(user, local):
    user.scale = "paper"
    user.claim(seeds=3)
    (row,), _, _ = local(user)
    user.claim(looks=(3, 5), bar=round(row["findings"][0]["estimate"] + 50.0, 6))
    user.submit("--max-gpu-hours", "0.001")
    user.wait_for_reports()
    assert len(user.submissions) == 1
    assert user.status()["runs"] == {"complete": 3, "missing": 2}
