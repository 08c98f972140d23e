"""What happens to jobs on a cluster, done to them on a real one: stores end complete, verdicts are the local ones."""

import json
import math
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from repro.recipes import cifar
from repro.training import speed
from tests.slurm.conftest import daemon, processes, slurm


@pytest.fixture
def long(user):
    """The user with three runs of some seconds each."""
    user.claim(epochs=100, depths=(8,))
    return user


def element_jobs(user):
    last = user.submissions[-1]
    return [last.job_of(number) for number in range(len(last.elements))]


def test_a_run_goes_on_through_a_time_limit(user, sound):
    # Long enough for two attempts of at most 40 s, however fast this machine is.
    spec = cifar("smoke", 0, depth=8)
    rate = speed(spec, data_dir=Path(), device="cpu", ready=lambda: None, seconds=3)
    user.claim(epochs=math.ceil(45 * rate / 898), seeds=2, depths=(8,))
    user.profile(time="1m", stop_before="40s", requeues=20)
    user.submit()
    user.wait_for_reports(600)
    sound(user)
    whys = [attempt.why for attempt in user.attempts() if attempt.end == "requeued"]
    assert max(attempt.restart for attempt in user.attempts()) >= 1
    assert all("time" in why for why in whys)


def test_preempted_runs_checkpoint_at_once_and_go_on(long, sound):
    long.profile(partition="scavenge")
    long.submit()
    long.wait_for_training()
    blocker = slurm("sbatch", "--parsable", "-p", "main", "-N2", "--exclusive", "--wrap", "sleep 3", "-o", "/dev/null")
    try:
        long.wait_for(lambda: [attempt for attempt in long.attempts() if attempt.end == "requeued"])
        long.wait_for_reports()
    finally:
        slurm("scancel", blocker)
    sound(long)
    assert any(part["from_step"] or part["from_epoch"] for run in long.store.runs() for part in run.record["parts"])


def test_sigterm_from_anything_but_a_cancellation_checkpoints_and_goes_on(long, sound):
    """As preemption without the user signal sends it, and `scancel --signal=TERM`."""
    long.submit()
    long.wait_for_training(3)
    time.sleep(1)
    slurm("scancel", "--signal=TERM", *element_jobs(long))
    long.wait_for_reports()
    assert {attempt.end for attempt in long.attempts() if attempt.restart == 0} == {"requeued"}
    assert len(long.submissions) == 1
    sound(long)


def test_a_killed_job_is_queued_again_by_the_report_job(long, sound):
    long.submit()
    long.wait_for_training()
    job = long.wait_for(lambda: [attempt.job for attempt in long.attempts() if processes(attempt.job)])[0]
    for pid in processes(job):
        os.kill(pid, signal.SIGKILL)
    long.wait_for_reports()
    assert len(long.submissions) == 2
    assert long.submissions[1].round == 1
    sound(long)
    told = long.run("status")
    assert "wasted" in told


def test_a_killed_worker_is_replaced_within_its_job_and_leaves_the_others_alone(long, sound):
    long.profile(runs_per_gpu=3)
    long.submit()
    lease = long.wait_for(lambda: list(long.store.root.glob("*/lease.*")))[0]
    os.kill(json.loads(lease.read_text())["pid"], signal.SIGKILL)
    long.wait_for_reports()
    assert len(long.submissions) == 1
    sound(long)


def test_slurmd_stopped_and_started_loses_nothing(long, sound):
    long.submit()
    long.wait_for_training()
    for node in ("n1", "n2"):
        daemon("stop", node)
    time.sleep(2)
    for node in ("n1", "n2"):
        daemon("start", node)
    long.wait_for_reports()
    assert {attempt.restart for attempt in long.attempts()} == {0}
    sound(long)


def test_slurmctld_restarted_meanwhile_loses_nothing(long, sound):
    long.submit()
    long.wait_for_training()
    daemon("stop", "slurmctld")
    asking = subprocess.Popen(["squeue"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    daemon("start", "slurmctld")
    asking.wait(timeout=60)
    long.wait_for_reports()
    assert {attempt.restart for attempt in long.attempts()} == {0}
    sound(long)


def test_status_asks_again_while_the_controller_is_away(long):
    long.submit()
    daemon("stop", "slurmctld")
    asking = subprocess.Popen(
        [*long.command("status", "--json")], cwd=long.place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(3)
    daemon("start", "slurmctld")
    printed, words = asking.communicate(timeout=120)
    assert sum(json.loads(printed)["runs"].values()) == 3, words


def test_without_accounting_a_death_is_told_by_the_controller(long, sound):
    daemon("stop", "slurmdbd")
    try:
        long.submit()
        long.wait_for_training()
        job = long.wait_for(lambda: [attempt.job for attempt in long.attempts() if processes(attempt.job)])[0]
        for pid in processes(job):
            os.kill(pid, signal.SIGKILL)
        long.wait_for_reports()
    finally:
        daemon("start", "slurmdbd")
    assert len(long.submissions) == 2
    sound(long)
    deaths = json.loads((long.submissions[0].folder / "deaths.json").read_text())
    assert deaths[job]["state"] == "FAILED"
    assert deaths[job]["exit_code"].startswith(("9:", "0:9", "1"))


def test_cancelling_half_leaves_a_report_and_saying_it_again_ends_it(user, sound):
    user.claim(epochs=30)
    user.profile(parallelism=2)
    user.submit()
    user.wait_for_training()
    slurm("scancel", *element_jobs(user)[:3])
    user.wait_for_reports()
    told = user.status()
    assert told["runs"] == {"complete": 3, "cancelled": 3}
    assert len(user.submissions) == 1
    assert {row["verdict"] for row in user.verdicts()[0]} & {"PENDING"}
    assert "3 to queue" in user.submit()
    user.wait_for_reports()
    sound(user)


def test_cancel_takes_the_selected_runs_and_keeps_the_report_job(user):
    user.claim(epochs=80)
    user.submit()
    user.wait_for_training()
    assert "3 jobs cancelled with 3 runs" in user.run("cancel", "-k", "tiny[depth=8]")
    user.wait_for(lambda: user.status()["runs"].get("cancelled") == 3)
    told = user.status()
    assert told["reports"]
    user.run("cancel")
    user.wait_for_reports()
    assert (user.place / "report" / "report.html").exists()


def test_a_run_out_of_requeues_is_exhausted_with_what_it_kept(user, sound):
    user.claim(epochs=300, depths=(8,))
    user.profile(requeues=1)
    user.submit()
    for restart in (0, 1):

        def of_this_attempt(restart=restart):
            return [attempt for attempt in user.attempts() if attempt.restart == restart]

        user.wait_for(lambda: len(of_this_attempt()) == 3)
        user.wait_for(lambda: all(user.store.condition(run) == "training" for run in specs(user)))
        time.sleep(2)
        slurm("scancel", "--signal=USR2", *element_jobs(user))
        user.wait_for(lambda: all(attempt.end for attempt in of_this_attempt()))
    user.wait_for_reports()
    told = user.status()
    assert told["runs"] == {"exhausted": 3}
    assert all(user.store.condition(run) == "paused" for run in specs(user))
    assert user.store.progress(specs(user)[0]) > 0
    assert {one["key"] for one in told["account"]["exhausted"]} == {run.key for run in specs(user)}
    assert "3 failed before and are left out" in user.submit()
    assert "3 to queue" in user.run("retry", "--failed", "--cluster", "box")
    user.wait_for_reports()
    sound(user)


def test_a_job_refuses_code_that_it_was_not_planned_with(user, sound):
    user.claim(depths=(8,))
    user.profile(setup=["sleep 3"])
    user.submit()
    file = user.submissions[0].folder / "submission.json"
    file.write_text(file.read_text().replace(user.submissions[0].code, "0" * 64))
    user.wait_for_reports()
    told = user.status()
    assert told["runs"] == {"waiting": 3}
    assert "was planned with code 000000000000" in told["failures"][0]["why"]
    user.profile()
    user.run("retry", "--failed", "--any-code", "--cluster", "box")
    user.wait_for_reports()
    sound(user)


def test_a_node_that_fails_is_left_and_excluded_and_the_report_says_so(long, sound):
    long.claim(epochs=120, depths=(8,))
    long.submit()
    attempt = long.wait_for(lambda: [attempt for attempt in long.attempts() if attempt.node == "n1"])[0]
    long.wait_for_training()
    daemon("crash", "n1")
    try:
        long.wait_for(lambda: "n1" in [node["node"] for node in long.status()["account"]["excluded_nodes"]], 180)
        long.wait_for_reports()
    finally:
        daemon("start", "n1")
        slurm("scontrol", "update", "nodename=n1", "state=resume")
    sound(long)
    last = [one for one in long.attempts() if one.element == attempt.element][-1]
    assert last.node == "n2"
    page = (long.place / "report" / "report.html").read_text()
    assert "n1" in page
    assert "excluded" in page
    long.claim(epochs=3, depths=(14,))
    assert "kept away from: n1" in long.submit()
    long.wait_for_reports()


def specs(user):
    """The runs that were submitted."""
    from repro.runs.spec import RunSpec

    files = [one.element_file(i) for one in user.submissions for i in range(len(one.elements))]
    found = [RunSpec.from_json(run["spec"], file) for file in files for run in json.loads(file.read_text())["runs"]]
    return list({spec.key: spec for spec in found}.values())
