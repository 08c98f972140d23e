"""What a cluster or a profile refuses: one message with the scheduler's message and what to change."""

import itertools
import json
import os
import re
import subprocess
import sys

import pytest

from tests.slurm.commands import slurm


@pytest.mark.parametrize(
    ("changed", "words", "advice"),
    [
        ({"partition": "nosuch"}, "invalid partition specified: nosuch", "sinfo"),
        ({"account": "nosuch"}, "Invalid account", "sacctmgr"),
        (
            {"gpus_per_node": None, "gres": "tpu:1"},
            "Invalid generic resource (gres) specification",
            "gpus_per_node = 1",
        ),
        ({"gpus_per_node": 5}, "Requested node configuration is not available", "sinfo -N"),
        ({"constraint": "nosuch"}, "Invalid feature specification", "constraint"),
        ({"exclude": ["nosuch"]}, "Invalid node name specified", "sinfo -N"),
    ],
)
def test_a_refusal_is_one_line_with_what_to_change(user, changed, words, advice):
    user.profile(**changed)
    printed = user.submit(expect=(2,))
    (line,) = [line for line in printed.splitlines() if line.startswith("repro: ")]
    assert words in line
    assert advice in line
    assert "Nothing was queued" in line
    assert user.queue() == []
    assert user.submissions == []


@pytest.fixture
def two_jobs_more():
    """An association that may queue two elements and no more."""
    subprocess.run(["sacctmgr", "-Qi", "modify", "user", "root", "set", "MaxSubmitJobs=2"], check=True, timeout=60)
    yield
    subprocess.run(["sacctmgr", "-Qi", "modify", "user", "root", "set", "MaxSubmitJobs=-1"], check=True, timeout=60)


@pytest.mark.alone
def test_what_was_queued_before_a_refusal_is_named_and_cancelled(user, two_jobs_more):
    user.claim(depths=(8, 14))
    user.profile(array_size=2)
    printed = user.submit(expect=(2,))
    job = user.submissions[0].arrays[0].job
    assert f"Queued before that, and cancelled: {job}" in printed
    assert "AssocMaxSubmitJobLimit" in printed
    user.wait_for(lambda: not user.queue())
    assert user.status()["runs"].get("queued") is None


@pytest.mark.alone
def test_what_was_queued_before_a_refusal_is_kept_if_the_user_says_so(user, two_jobs_more):
    user.claim(depths=(8, 14))
    user.profile(array_size=2)
    printed = user.submit("--if-refused", "keep", expect=(2,))
    assert f"Queued before that, and kept: {user.submissions[0].arrays[0].job}" in printed
    user.wait_for_reports()
    assert user.status()["runs"] == {"complete": 2, "missing": 2}
    assert "2 to queue" in user.submit(expect=(0, 2))


def test_without_sbatch_one_line_says_so(user, tmp_path):
    printed = user.submit(expect=(2,), env={"PATH": str(tmp_path)})
    assert printed.splitlines()[-1].startswith("repro: squeue is not on the PATH")


@pytest.mark.parametrize(("options", "left"), [((), "cancelled"), (("--if-refused", "keep"), "kept")])
def test_wherever_the_disk_fills_up_nothing_stays_queued_that_is_not_named(user, tmp_path, options, left):
    """A little more space each time, until the whole submission fits; jobs are held, so that none goes by itself."""
    user.profile(hold=True)
    small = tmp_path / "small"
    results = small / "results"
    small.mkdir()
    met = set()
    for pages in itertools.count(5):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={4 * pages}k", "tmpfs", small], check=True)
        try:
            (results / ".slurm").mkdir(parents=True)
            # Nodes do not see this mount, and are not asked again.
            seen = [str(place) for place in (results, user.place / "tiny.py", sys.executable)]
            (results / ".slurm" / "seen-box.json").write_text(json.dumps({"seen": seen}))
            printed = user.submit(*options, results=results, expect=(0, 2))
            if "No space left on device" not in printed:
                assert "report job" in printed
                break
            outcome = re.search(rf"Nothing was queued|Queued before that, and {left}: ([\d, ]+)", printed)
            met.add(outcome[0].partition(":")[0])
            if not outcome[1]:
                assert not list((results / ".slurm").glob("*-*/"))
            named = set(re.findall(r"\d+", outcome[1] or "")) if left == "kept" else set()
            user.wait_for(lambda named=named: {job.partition("_")[0] for job in user.queue(results)} == named)
        finally:
            for job in user.queue(results):
                slurm("scancel", job)
            subprocess.run(["umount", small], check=True)
    assert met == {"Nothing was queued", f"Queued before that, and {left}"}


def test_a_submission_that_was_killed_half_way_is_completed_by_saying_it_again(user, sound):
    user.claim(seeds=5)
    user.profile(array_size=1, hold=True)
    half = subprocess.Popen(user.command("submit", "--cluster", "box"), cwd=user.place, stdout=subprocess.DEVNULL)
    user.wait_for(lambda: len(user.queue()) >= 2)
    half.kill()
    half.wait()
    counts = re.search(r"(\d+) under way, (\d+) to queue", user.submit())
    assert int(counts[1]) >= 2
    assert int(counts[1]) + int(counts[2]) == 5
    user.release_until_reports()
    sound(user)


def test_runs_whose_report_job_is_gone_get_another(user, sound):
    user.profile(hold=True)
    user.submit()
    slurm("scancel", user.submissions[0].report_job)
    user.wait_for(lambda: user.submissions[0].report_job not in user.queue())
    printed = user.submit()
    assert "2 under way, 0 to queue" in printed
    assert f"report job {user.submissions[1].report_job}" in printed
    assert "nothing to queue" in user.submit()
    user.release_until_reports()
    sound(user)


def test_more_gpu_hours_than_agreed_queue_nothing(user):
    printed = user.submit("--max-gpu-hours", "0", expect=(2,))
    assert "exceed --max-gpu-hours 0; nothing was queued" in printed
    assert user.submissions == []


def test_the_doctor_finds_a_cluster_well(user):
    printed = user.run("doctor", "--cluster", "box")
    for what in (
        "sbatch",
        "controller",
        "accepted",
        "report job",
        "sacct",
        "JobRequeue",
        "MaxArraySize",
        "preemption",
        "folder",
        "code",
    ):
        assert f"ok   {what} " in printed
    assert re.search("SLURM gave GPU [0-3]", printed)
    assert "ok   digits " in printed
    assert not list(user.store.root.glob(".slurm/probe*"))


def test_the_doctor_finds_a_folder_that_nodes_do_not_see(user):
    unseen = os.environ["TESTBED"] + "/unseen/results"
    printed = user.run("doctor", "--cluster", "box", expect=(2,), results=unseen)
    assert "FAIL probe" in printed
    assert "does the node see" in printed


def test_a_folder_that_nodes_do_not_see_is_refused_before_anything_is_queued(user):
    unseen = os.environ["TESTBED"] + "/unseen/store"
    printed = user.submit(results=unseen, expect=(2,))
    assert f"does not see the store {unseen}" in printed
    assert user.queue(unseen) == []


def test_the_doctor_says_what_sbatch_would_refuse(user):
    user.profile(account="nosuch")
    printed = user.run("doctor", "--cluster", "box", expect=(2,))
    assert "FAIL accepted" in printed
    assert "Invalid account" in printed


def test_a_device_that_no_node_has_stops_jobs_and_not_runs(user):
    user.profile(device="cuda", requeues=0)
    user.submit()
    user.wait_for_reports()
    status = user.status()
    assert status["runs"] == {"paused": 2}
    assert "no NVIDIA driver" in status["account"]["excluded_nodes"][0]["why"]
