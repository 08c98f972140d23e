"""What sinfo, squeue, sacct and scontrol print on clusters that are not at hand, read as they print it."""

import pytest

from repro.cluster import doctor, profile, scheduler, survey
from repro.cluster.scheduler import _accounted, _shown
from repro.errors import ClusterError


@pytest.mark.parametrize(
    ("limit", "hours"),
    [("infinite", 8760), ("30:00", 0.5), ("4:00:00", 4), ("7-00:00:00", 168), ("1-12:00:00", 36), ("n/a", 8760)],
)
def test_time_limits_of_sinfo(limit, hours):
    assert survey.hours(limit) == hours


@pytest.mark.parametrize(
    ("gres", "count"),
    [
        ("(null)", 0), ("", 0), ("gpu:4", 4), ("gpu:a100:4(S:0-1)", 4), ("gpu:a100_80gb:8(S:0-3)", 8), ("gpu", 1),
        ("mps:100,gpu:v100:2(S:0)", 2), ("nvme:1", 0),
    ],
)  # fmt: skip
def test_gpus_of_sinfo(gres, count):
    assert profile.gpus_of(gres) == count


@pytest.fixture
def printed(tmp_path, monkeypatch):
    """Makes a command of the scheduler that prints one text and ends with one code."""

    def make(name, text="", words="", code=0):
        (tmp_path / f"{name}.out").write_text(text)
        (tmp_path / f"{name}.err").write_text(words)
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\ncat {script}.out; cat {script}.err >&2; exit {code}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return make


def test_init_takes_the_partition_with_gpus_before_the_default_one(tmp_path, printed):
    printed(
        "sinfo",
        "cpu*|infinite|64|256000+|(null)\ngpu|2-00:00:00|48+|515000|gpu:a100:4(S:0-1)\ndebug|30:00|48|515000|gpu:a100:4\n",
    )
    text = survey.init("mine", tmp_path / "slurm").read_text()
    for line in (
        'partition = "gpu"',
        "gpus_per_node = 1",
        "cpus = 8",
        'memory = "32G"',
        'time = "4h"',
        'device = "cuda"',
    ):
        assert line in text.splitlines()


def test_init_on_a_cluster_without_gpus_trains_on_cores(tmp_path, printed):
    printed("sinfo", "batch*|30:00|16|32000|(null)\n")
    text = survey.init("mine", tmp_path / "slurm").read_text()
    assert 'device = "cpu"' in text
    assert 'time = "30m"' in text


def test_a_job_array_that_squeue_could_not_expand_is_no_error(printed):
    printed("squeue", "12_[3-5]|repro.a.0|PENDING||Priority\n7|other|RUNNING|n1|None\nslurm_load_jobs warning\n")
    assert [job.id for job in scheduler.jobs()] == ["12_[3-5]", "7"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("12_3|repro.a.0|CANCELLED by 1000|n1|0:15", ("12_3", "CANCELLED", "n1", "0:15")),
        ("12|repro.a.0|PENDING|None assigned|0:0", ("12", "PENDING", "", "0:0")),
        ("12_3|repro.a.0|OUT_OF_ME+|n1|0:125", ("12_3", "OUT_OF_ME+", "n1", "0:125")),
    ],
)
def test_lines_of_sacct(line, expected):
    job = _accounted(line)
    assert (job.id, job.state, job.node, job.exit_code) == expected
    assert job.live == (expected[1] == "PENDING")


def test_lines_of_scontrol():
    job = _shown(
        "JobId=9 ArrayJobId=8 ArrayTaskId=1 JobName=repro.a.0 JobState=FAILED Reason=x ExitCode=1:0 NodeList=n2"
    )
    assert (job.id, job.state, job.node, job.exit_code) == ("8_1", "FAILED", "n2", "1:0")
    assert _shown("No jobs in the system") is None


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self):
        self.slept = []

    def monotonic(self):
        return sum(self.slept)

    def sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(scheduler, "time", clock)
    return clock


def test_a_controller_that_does_not_answer_is_reported_with_its_message(printed, clock):
    printed("squeue", words="slurm_load_jobs error: Unable to contact slurm controller (connect failure)", code=1)
    with pytest.raises(ClusterError, match=r"Unable to contact slurm controller .* Change: .*scontrol ping"):
        scheduler.ask("squeue", patience=15.0)
    assert clock.slept == [0.5, 1.0, 2.0, 4.0]  # the next pause would end after 15.5 s


def test_a_controller_that_comes_back_is_asked_again(tmp_path, printed, clock):
    printed("squeue")
    (tmp_path / "squeue").write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/again ] && echo fine && exit 0\ntouch {tmp_path}/again\n"
        "echo 'Socket timed out on send/recv operation' >&2; exit 1\n"
    )
    assert scheduler.ask("squeue") == "fine\n"
    assert clock.slept == [0.5]


def test_a_real_refusal_is_not_asked_again(printed, clock):
    printed("scancel", words="scancel: error: Kill job error on job id 1: Access/permission denied", code=1)
    with pytest.raises(ClusterError, match="permission denied"):
        scheduler.ask("scancel", "1")
    assert clock.slept == []


@pytest.fixture
def probe(tmp_path, printed):
    """A probe's folder with what its job wrote into its log, and what squeue says of the job."""

    def make(log, queue=""):
        printed("squeue", queue)
        place = tmp_path / "results" / ".slurm" / "probe-1"
        (place / "log").mkdir(parents=True)
        if log:
            (place / "log" / "9_0_log.out").write_text(log)
        return place

    return make


def test_the_doctor_quotes_the_line_that_explains_and_not_the_last(probe):
    log = (
        "slurmstepd: error: execve(): /nope/python: No such file or directory\n"
        "srun: error: n1: task 0: Exited with exit code 2\nsrun: launch/slurm: _task_finish\n"
    )
    assert doctor._reason(probe(log), "9", "FAILED") == ": slurmstepd: error: execve(): /nope/python: " + (
        "No such file or directory"
    )


def test_the_doctor_does_not_ask_what_a_node_sees_of_a_probe_that_never_ran(probe):
    place = probe("", "9|repro.probe-1|PENDING||Resources\n")
    assert doctor._reason(place, "9", "PENDING after 300 s") == (
        ": it never started (Resources); raise --wait, or request less in the profile"
    )


def test_a_probe_that_ran_and_left_no_log_was_on_a_node_that_does_not_see_the_folder(probe):
    place = probe("")
    assert f"does the node see {place.parents[1]}?" in doctor._reason(place, "9", "FAILED")


def test_a_command_that_hangs_is_given_up_within_ten_seconds(tmp_path, printed, monkeypatch):
    printed("squeue")
    (tmp_path / "squeue").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(scheduler, "ANSWER", 0.2)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(ClusterError, match=r"no answer within .* retry later"):
        scheduler.ask("squeue", patience=0.0)
    assert scheduler.PATIENCE < 10
