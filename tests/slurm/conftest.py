"""A user of the testbed: their folder, their profile, their commands. See `make test-slurm`."""

import itertools
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from repro.cluster.snapshot import read
from repro.runs.store import Store

ROOT = Path(__file__).parents[2]
REPRO = [sys.executable, "-m", "repro.cli"]

CLAIM = '''\
"""Small runs for the testbed: {count} seeds of one network at two depths."""

import dataclasses

from repro.claim import Claim, Source, claim
from repro.compare import Ordering
from repro.recipes import SCALES, cifar


def runs(scale, seed, depth):
    spec = cifar("smoke", seed, depth=depth)
    broken = seed in {broken} and depth == 8
    return {{
        "BatchNorm": dataclasses.replace(
            spec, epochs={epochs}, learning_rate_drops=(), width=100_000 if broken else spec.width
        )
    }}


@claim(
    id="tiny",
    sentence="A small network knows more than half of the digits.",
    source=Source(work="nobody2021", place="Figure 9", tag="P", reference="more than 50 %"),
    rule=Ordering(gap=0.0, reason="half is half"),
    grid=dict.fromkeys(SCALES, ({points})),
    runs=runs,
    depends_on=(),
    testable=dict.fromkeys(SCALES, "the networks and data of its runs"),
    looks=dict.fromkeys(SCALES, {looks}),
)
def test_tiny(evidence, depth):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower={bar})
'''


@dataclass
class User:
    """Someone with a folder, a claim file and a profile."""

    place: Path
    scale: str = "smoke"  # of the same small runs: more seeds are requested at scale paper alone

    def __post_init__(self):
        self.place.mkdir(exist_ok=True)

    def claim(self, epochs=12, seeds=3, broken=(), depths=(8, 14), looks=None, bar=50.0):
        """Writes the claim file: ``seeds`` runs a depth; a broken one asks for more memory than there is."""
        points = "".join(f'{{"depth": {depth}}}, ' for depth in depths)
        text = CLAIM.format(
            bar=bar, count=seeds, epochs=epochs, broken=set(broken) or "set()", points=points, looks=looks or (seeds,)
        )
        (self.place / "tiny.py").write_text(text)

    def profile(self, name="box", **changed):
        """Writes a profile for the testbed; None leaves a key out."""
        keys = {
            "submitit": "1.5", "partition": "main", "device": "cpu", "gpus_per_node": 1, "cpus": 1, "memory": "2G",
            "time": "10m", "stop_before": "30s", **changed,
        }  # fmt: skip
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None]
        (self.place / "slurm").mkdir(exist_ok=True)
        (self.place / "slurm" / f"{name}.toml").write_text("\n".join(lines) + "\n")

    def run(self, *arguments, expect=(0,), env=None, results="results"):
        """Runs one command of the suite and returns what it printed."""
        command = self.command(*arguments, results=results)
        done = subprocess.run(
            command, cwd=self.place, capture_output=True, text=True, timeout=300, env={**os.environ, **(env or {})}
        )
        assert done.returncode in expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def command(self, *arguments, results="results"):
        """The whole command line, for this user's claim file and store."""
        command = [*REPRO, *arguments]
        if arguments[0] not in ("cluster", "logs", "doctor", "report", "import") and "tiny.py" not in arguments:
            command.insert(len(REPRO) + 1, "tiny.py")
        if "tiny.py" in command:
            command += ["--scale", self.scale]
        if arguments[:2] != ("cluster", "init") and arguments[0] != "report":
            command += ["--results", str(results)]
        return command

    def submit(self, *arguments, **options):
        return self.run("submit", "--cluster", "box", *arguments, **options)

    def status(self, results="results"):
        """What `repro status --json` says."""
        return json.loads(self.run("status", "--json", expect=(0, 2, 3), results=results))

    @property
    def store(self):
        return Store(self.place / "results")

    @property
    def submissions(self):
        return [one.submission for one in read(self.store).entries]

    def attempts(self):
        """Every attempt of every submission, by when it began."""
        found = [attempt for one in read(self.store).entries for some in one.attempts.values() for attempt in some]
        return sorted(found, key=lambda attempt: attempt.began)

    def wait_for(self, what, seconds=120):
        """Waits until ``what()`` is true, and returns it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = what()
            if found:
                return found
            time.sleep(0.2)
        pytest.fail(f"waited {seconds} s in vain\n{self.picture()}")
        return None

    def wait_for_training(self, count=1):
        """Waits until some runs have finished their first epoch and not their last."""
        return self.wait_for(lambda: len(list(self.store.root.glob("*/history.jsonl"))) >= count)

    def wait_for_reports(self, seconds=240):
        """Waits until no job of this user's folder is left in the queue."""

        def over():
            names = {one.report_name for one in self.submissions} | {
                one.array_name(array.first) for one in self.submissions for array in one.arrays
            }
            printed = slurm("squeue", "-h", "-o", "%j")
            return not names & set(printed.split())

        self.wait_for(over, seconds)

    def picture(self):
        """The state of everything, for a failed test."""
        logs = [f"== {path}\n{path.read_text()[-2000:]}" for path in sorted(self.store.root.glob(".slurm/*/log/*.out"))]
        return "\n".join([slurm("squeue"), slurm("sinfo"), *logs])

    def verdicts(self):
        """The rows of the report that the cluster wrote, without where they were trained."""
        return rows(self.place / "report" / "verdicts.json")


def rows(path):
    made = json.loads(path.read_text())
    for row in made["judgements"]:
        for run in row["runs"]:
            del run["run_json_sha256"]
    return made["judgements"], made["claims"], [(run["key"], run["digest"]) for run in made["runs"]]


def slurm(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


def daemon(action, name):
    """Stops or starts one daemon of the testbed."""
    subprocess.run([ROOT / "slurm" / "testbed" / "daemon", action, name], check=True, timeout=60)


def processes(job):
    """Pids of the Python that submitit started for a job."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        array, task = job.partition("_")[::2]
        mine = {f"SLURM_ARRAY_JOB_ID={array}".encode(), f"SLURM_ARRAY_TASK_ID={task}".encode()}
        if not task:
            mine = {f"SLURM_JOB_ID={job}".encode()}
        if mine <= set(environment) and b"submitit.core._submit" in command and b"srun" not in command.split(b"\0")[0]:
            found.append(int(folder.name))
    return found


def pytest_collection_modifyitems(items):
    if "SLURM_CONF" not in os.environ or "TESTBED" not in os.environ:
        pytest.exit("the testbed is not up: run `make test-slurm`, or slurm/testbed/up and its env", returncode=2)


@pytest.fixture
def user(tmp_path):
    """A user with a claim of six short runs; what they leave in the queue is cancelled."""
    one = User(tmp_path / "work")
    one.claim()
    one.profile()
    yield one
    names = [
        name for sub in one.submissions for name in (sub.report_name, *(sub.array_name(a.first) for a in sub.arrays))
    ]
    for name in names:
        slurm("scancel", "--quiet", f"--name={name}")


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """The rows that the same claim has when its runs are trained without a cluster; each claim once."""
    known = {}

    def judged(user):
        text = (user.place / "tiny.py").read_text()
        if (text, user.scale) not in known:
            one = User(
                tmp_path_factory.mktemp("local") / "work", user.scale
            )  # a row names the folder of its claim file
            (one.place / "tiny.py").write_text(text)
            one.run("verify", "--device", "cpu", expect=(0, 1, 2))
            known[text, user.scale] = rows(one.place / "report" / "verdicts.json")
        return known[text, user.scale]

    return judged


@pytest.fixture
def sound(local):
    """Says that a store ended complete, that no run was trained twice at once, and that verdicts are the local ones."""

    def check(user):
        assert user.status()["runs"].keys() == {"complete"}, user.picture()
        assert user.verdicts() == local(user)
        attempts = user.attempts()
        for run in user.store.runs():
            own = [attempt for attempt in attempts if run.spec.key in attempt.runs]
            for before, after in itertools.pairwise(own):
                assert (before.ended or before.last_sign) <= after.began
            assert [row["epoch"] for row in run.history] == list(range(1, run.spec.epochs + 1))
            places = [(part["from_epoch"], part["from_step"]) for part in run.record["parts"]]
            assert places == sorted(set(places))

    return check
