"""What submit refuses before anything is queued, and what is told of jobs that wait or are lost."""

import json
import shutil
import sys
import time
from pathlib import Path

import pytest

from repro.cluster import scheduler
from repro.cluster.snapshot import read
from repro.collecting.collect import collect
from repro.runs.store import Store
from tests.cluster.made import attempted, last

SUBMIT = ("submit", "tiny.py", "--cluster", "box")


def waiting(cluster, reason="Priority", state="PENDING", report="Dependency"):
    """Puts the last submission into the queue."""
    one = last(cluster)
    jobs = [(one.job_of(number), one.array_name(0), state, "", reason) for number in range(len(one.elements))]
    cluster.queue(*jobs, (one.report_job, one.report_name, "PENDING", "", report))
    return one


def test_submit_shows_partition_and_time_limit(cluster):
    code, printed = cluster.run(*SUBMIT)
    assert code == 0
    assert "6 elements on partition main" in printed
    assert "240 min each" in printed
    assert "GPU-hours" not in printed  # the profile has no GPU


@pytest.mark.parametrize(("code", "place"), [(100, "results"), (101, "tiny.py")])
def test_a_place_that_nodes_do_not_see_is_refused(cluster, code, place):
    cluster.look(code)
    refused, printed = cluster.run(*SUBMIT)
    assert refused == 2
    assert "node n1 does not see" in printed
    assert f"{cluster.place / place};" in printed
    assert read(Store(cluster.place / "results")).entries == ()


@pytest.fixture
def dear(cluster):
    """Beside ``tiny`` a claim with a deep network, for which some minutes are not enough."""
    text = (cluster.place / "tiny.py").read_text()
    (cluster.place / "dear.py").write_text(text.replace("tiny", "dear").replace("14", "866"))
    return cluster


def test_hours_buy_the_cheapest_verdicts_and_their_runs_alone(dear):
    code, printed = dear.run("submit", "tiny.py", "dear.py", "--cluster", "box", "--within", "1m")
    assert (code, "6 elements" in printed) == (0, True), printed
    one = last(dear)
    assert (len(one.elements), one.order.keyword) == (6, "tiny")
    assert one.order.granted_gpu_hours == 1 / 60  # for the rounds that follow, too


def test_hours_keep_a_selection_by_point(dear):
    code, printed = dear.run(*SUBMIT, "-k", "tiny[depth=8]", "--within", "30m")
    assert (code, len(last(dear).elements), last(dear).order.keyword) == (0, 3, "tiny[depth=8]"), printed


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (["--within", "60d", "--max-gpu-hours", "0.001"], "exceed --max-gpu-hours 0.001"),
        (["--max-gpu-hours", "0.001"], "exceed --max-gpu-hours 0.001"),
    ],
)
def test_the_smaller_of_two_limits_is_asked_about(dear, limits, words):
    code, printed = dear.run(*SUBMIT, *limits)
    assert (code, words in printed, "nothing was queued" in printed) == (2, True, True), printed


def test_a_measurement_that_fails_leaves_the_last_good_one(cluster, monkeypatch):
    monkeypatch.setattr("repro.cluster.waiting.LATE", 0.0)
    kept = cluster.place / "results" / ".slurm" / "throughput-box.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("the last good one")
    code, printed = cluster.run("cluster", "throughput", "box", "tiny.py")
    assert (code, "is gone, with no result" in printed) == (2, True), printed
    assert kept.read_text() == "the last good one"


M1D = str(Path(__file__).parents[2] / "claims" / "greydanus2024")


def test_what_is_generated_needs_no_data_folder(cluster):
    code, printed = cluster.run("submit", M1D, "-k", "m1d-order", "--cluster", "box")
    assert code == 0, printed
    assert not (cluster.place / "data").exists()


def test_hours_keep_the_controls_that_come_with_a_folder(cluster):
    code, printed = cluster.run("submit", M1D, "--cluster", "box", "--within", "1h")
    assert code == 0, printed
    ordered = last(cluster).order
    bought = {check.claim.id for check in collect(scale="smoke", paths=ordered.paths, keyword=ordered.keyword).selected}
    assert {"m1d-order", "m1d-control-data", "m1d-control-shuffled-labels"} <= bought


def test_hours_that_buy_no_verdict_queue_nothing(dear):
    code, printed = dear.run("submit", "dear.py", "--cluster", "box", "--within", "1m")
    assert (code, "1m buys no verdict; see repro plan --within" in printed) == (2, True), printed
    assert not dear.calls("sbatch")


def test_what_a_node_has_seen_is_not_asked_again(cluster):
    cluster.run(*SUBMIT)
    looks = [call for call in cluster.calls("sbatch") if "repro.look" in call]
    cluster.run(*SUBMIT)
    assert len(looks) == 1
    assert [call for call in cluster.calls("sbatch") if "repro.look" in call] == looks


def test_no_node_that_failed_is_asked_what_nodes_see(cluster, monkeypatch):
    cluster.run(*SUBMIT)
    attempted(last(cluster), 0, faults={"n1": "no driver"})
    monkeypatch.setattr(scheduler, "troubles", lambda: {"n1": None})
    (cluster.place / "results" / ".slurm" / "seen-box.json").unlink()
    cluster.run(*SUBMIT)
    looks = [call for call in cluster.calls("sbatch") if "repro.look" in call]
    assert ["--exclude=n1" in call for call in looks] == [False, True]


def test_a_busy_cluster_is_no_reason_to_refuse(cluster, monkeypatch):
    monkeypatch.setattr("repro.cluster.visibility.PATIENCE", 0.0)
    monkeypatch.setattr("repro.cluster.visibility._ask_node", lambda *_: None)
    code, printed = cluster.run(*SUBMIT)
    assert code == 0
    assert "no node was free" in printed
    assert not (cluster.place / "results" / ".slurm" / "seen-box.json").exists()


def test_a_data_folder_that_does_not_exist_is_refused(cluster):
    text = (cluster.place / "tiny.py").read_text().replace("cifar(scale, ", 'cifar("paper", ')
    (cluster.place / "tiny.py").write_text(text)
    code, printed = cluster.run(*SUBMIT, "--data-dir", "/nowhere", "--max-gpu-hours", "1000000")
    assert code == 2
    assert "/nowhere holds no CIFAR-10" in printed
    assert not cluster.calls("sbatch")


def test_jobs_that_are_longer_than_their_partition_allows_are_refused(cluster):
    cluster.limit("up|30:00")
    code, printed = cluster.run(*SUBMIT)
    assert code == 2
    assert "jobs ask for 240 min, and partition main allows 30:00" in printed
    assert not cluster.calls("sbatch")


def test_a_partition_that_is_down_is_refused(cluster):
    cluster.limit("down|1-00:00:00")
    code, printed = cluster.run(*SUBMIT)
    assert (code, "partition main is down" in printed) == (2, True)


@pytest.mark.parametrize("seen", [False, True], ids=["of the look", "of an array"])
def test_a_refusal_has_sbatchs_message_once(cluster, monkeypatch, seen):
    if seen:
        monkeypatch.setattr("repro.cluster.visibility.check", lambda *_: iter(()))
    (cluster.bin / "refusal").write_text("sbatch: error: invalid partition specified: x\n" * 2)
    code, printed = cluster.run(*SUBMIT)
    assert code == 2
    assert printed.count("invalid partition specified") == 1
    assert printed.count("Nothing was queued") == 1


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("JobHeldUser", "scontrol release JOB"),
        ("JobHeldAdmin", "an administrator holds them"),
        ("(launch failed requeued held)", "scontrol release JOB"),
        ("PartitionTimeLimit", "can never start: lower time"),
        ("PartitionConfig", "can never start: name another partition"),
        ("Priority", None),
    ],
)
def test_jobs_that_wait_for_a_person_are_shown_with_what_to_do(cluster, reason, words):
    cluster.run(*SUBMIT)
    waiting(cluster, reason)
    code, printed = cluster.run("status", "tiny.py")
    assert code == 3
    assert f"queued: 6 ({reason}" in printed
    assert words is None or words in " ".join(printed.split())
    assert words is not None or "; " not in printed.splitlines()[1]


def test_a_report_job_that_can_never_start_is_cancelled_with_its_runs(cluster):
    cluster.run(*SUBMIT)
    one = waiting(cluster, report="PartitionTimeLimit")
    cluster.run("cancel", "tiny.py")
    assert one.report_job in cluster.calls("scancel")[-1].split()


def test_cancel_names_an_array_once_and_keeps_a_report_job_that_can_start(cluster):
    cluster.run(*SUBMIT)
    one = waiting(cluster)
    assert "6 jobs cancelled with 6 runs" in cluster.run("cancel", "tiny.py")[1]
    assert cluster.calls("scancel") == [f"--quiet {one.arrays[0].job}"]


def test_cancel_of_some_names_their_elements(cluster):
    cluster.run(*SUBMIT)
    one = waiting(cluster)
    cluster.run("cancel", "tiny.py", "-k", "tiny[depth=8]")
    assert len(cluster.calls("scancel")[-1].split()) == 1 + 3
    assert f"{one.arrays[0].job}_" in cluster.calls("scancel")[-1]


def test_jobs_of_a_deleted_submission_are_found_by_name_and_cancelled(cluster):
    cluster.run(*SUBMIT)
    one = waiting(cluster)
    shutil.rmtree(one.folder)
    printed = " ".join(cluster.run("status", "tiny.py")[1].split())
    assert f"7 jobs of submission {one.id}, which is deleted or damaged" in printed
    cluster.run("cancel", "--results", str(cluster.place / "results"))
    assert {one.arrays[0].job, one.report_job} <= set(cluster.calls("scancel")[-1].split())


def plan(cluster):
    from repro.collecting.collect import collect
    from repro.planning.plan import plan

    session = collect(scale="smoke", paths=["tiny.py"])
    return plan(session.selected, Store(cluster.place / "results"), device_type="cpu")


@pytest.mark.parametrize("command", ["status", "cancel", "judge", "submit"])
def test_a_damaged_submission_keeps_no_command_from_going_on(cluster, command):
    cluster.run(*SUBMIT)
    one = last(cluster)
    (one.folder / "submission.json").write_text("{")
    more = ("--cluster", "box") if command == "submit" else ()
    code, printed = cluster.run(command, "tiny.py", *more)
    assert "Traceback" not in printed
    assert code in ((3, 0) if command == "status" else (0, 1, 3, 2) if command == "judge" else (0,)), printed
    if command == "judge":
        made = json.loads((cluster.place / "report" / "verdicts.json").read_text())
        assert made["cluster"]["damaged"] == [one.id]
    if command == "status":
        assert f"submission {one.id} is damaged" in printed
        assert f"repro.{one.id}.*" in printed


def test_without_a_controller_status_shows_what_the_files_say(cluster, monkeypatch):
    monkeypatch.setattr(scheduler, "PATIENCE", 0.0)
    cluster.run(*SUBMIT)
    cluster.away()
    code, printed = cluster.run("status", "tiny.py")
    assert code == 3
    assert "6 queued" in printed
    assert "retry later" in " ".join(printed.split())


def test_logs_know_runs_that_never_began(cluster):
    cluster.run(*SUBMIT)
    one = last(cluster)
    code, printed = cluster.run("logs", "resnet-8")
    assert code == 0
    assert f"job {one.job_of(0)} has not started" in printed
    assert "has written no log yet" in printed


def test_retry_does_not_say_that_what_it_queues_is_left_out(cluster):
    cluster.run(*SUBMIT)
    store, one = Store(cluster.place / "results"), last(cluster)
    spec = plan(cluster).runs[0].spec
    store.begin(spec)
    number = next(n for n, keys in enumerate(one.elements) if spec.key in keys)
    attempted(one, number, status="failed")
    assert "1 failed before and are left out" in cluster.run(*SUBMIT)[1]
    printed = cluster.run("retry", "tiny.py", "--failed", "--cluster", "box")[1]
    assert "left out" not in printed


def test_a_mistyped_scratch_is_not_created(cluster):
    cluster.profile(scratch=str(cluster.place / "scrtch" / "me" / "repro"))
    code, printed = cluster.run(*SUBMIT)
    assert code == 2
    assert "does not exist; correct it" in printed
    assert not (cluster.place / "scrtch").exists()


def test_lines_of_status_fit_the_terminal_and_break_at_words(cluster, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    cluster.run(*SUBMIT)
    waiting(cluster, "JobHeldAdmin")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    printed = cluster.run("status", "tiny.py")[1]
    assert "an administrator holds them" in " ".join(printed.split())
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in printed.splitlines())


def test_claims_on_files_that_are_not_there_are_left_out_of_all_rounds_and_named(cluster):
    text = (cluster.place / "tiny.py").read_text()
    large = text.replace("SCALES, cifar", "SCALES, imagenet").replace("cifar(scale, ", 'imagenet("paper", ')
    large = large.replace("tiny", "large").replace('8}, {"depth": 14', '18}, {"depth": 34')
    (cluster.place / "large.py").write_text(large)
    code, printed = cluster.run("submit", "tiny.py", "large.py", "--cluster", "box")
    assert code == 0
    assert f"left out: 6 runs for large: {cluster.place / 'data' / 'imagenet'} does not hold imagenet" in printed
    assert last(cluster).order.keyword == "tiny"
    assert len(last(cluster).elements) == 6
    for words in (("large",), ("-k", "large")):
        queued = len(cluster.calls("sbatch"))
        code, printed = cluster.run("submit", "tiny.py", "large.py", *words, "--cluster", "box")
        assert (code, "cannot be trained here: " in printed) == (2, True)
        assert len(cluster.calls("sbatch")) == queued


def test_a_submission_made_where_the_clock_is_behind_is_the_last_all_the_same(cluster, monkeypatch):
    cluster.run(*SUBMIT)
    first = last(cluster)
    for number in range(len(first.elements)):
        attempted(first, number, end="paused")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 300)
    cluster.run(*SUBMIT)
    assert last(cluster).id != first.id
    waiting(cluster)
    assert "6 under way, 0 to queue" in cluster.run(*SUBMIT)[1]


def test_a_store_whose_logs_slurm_would_name_otherwise_is_refused(cluster):
    for command in (SUBMIT, ("doctor", "--cluster", "box"), ("cluster", "throughput", "box", "tiny.py")):
        code, printed = cluster.run(*command, "--results", str(cluster.place / "50%j"))
        assert (code, "50%j contains %, which SLURM replaces" in printed) == (2, True), printed
    assert not cluster.calls("sbatch")


def test_status_believes_the_queue_although_nobody_says_how_jobs_ended(cluster, monkeypatch):
    monkeypatch.setattr(scheduler, "PATIENCE", 0.0)
    cluster.run(*SUBMIT)
    one = last(cluster)
    cluster.queue((one.job_of(0), one.array_name(0), "PENDING", "", "Priority"))
    cluster.before("scontrol", "echo 'Unable to contact slurm controller (connect failure)' >&2; exit 1")
    printed = cluster.run("status", "tiny.py")[1]
    assert "5 cancelled, 1 queued" in printed
    assert not (one.folder / "deaths.json").exists()
