"""A user of the testbed: their folder, their profile, their commands."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from repro.cluster.ledger import mark
from repro.cluster.snapshot import read
from repro.runs.store import Store
from tests.slurm.commands import parent, slurm, stands_still

REPRO = [sys.executable, "-m", "repro.cli"]
PATIENCE = 900  # seconds for anything that must happen at last, however busy this machine is
HANDLED = 0.5  # seconds in which a job handles a signal that it was sent while it was stopped

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
        self.place.mkdir(parents=True, exist_ok=True)

    def claim(self, epochs=3, seeds=2, broken=(), depths=(8,), looks=None, bar=50.0):
        """Writes the claim file: ``seeds`` runs a depth; a broken one asks for more memory than there is."""
        points = "".join(f'{{"depth": {depth}}}, ' for depth in depths)
        text = CLAIM.format(
            bar=bar, count=seeds, epochs=epochs, broken=set(broken) or "set()", points=points, looks=looks or (seeds,)
        )
        (self.place / "tiny.py").write_text(text)

    def profile(self, name="box", hold=False, **changed):
        """Writes a profile for the testbed; None leaves a key out. With ``hold``, jobs wait for ``release``."""
        keys = {
            "submitit": "1.5", "partition": "main", "device": "cpu", "gpus_per_node": 1, "cpus": 1, "memory": "2G",
            "time": "10m", "stop_before": "30s", "shortest": "0s", **changed,
        }  # fmt: skip
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None]
        lines += ["[sbatch]", "hold = true"] if hold else []
        (self.place / "slurm").mkdir(exist_ok=True)
        (self.place / "slurm" / f"{name}.toml").write_text("\n".join(lines) + "\n")

    def run(self, *arguments, expect=(0,), env=None, results="results"):
        """Runs one command of the suite and returns what it printed."""
        command = self.command(*arguments, results=results)
        env = {**os.environ, "COLUMNS": "1000", **(env or {})}  # no line is cut
        done = subprocess.run(command, cwd=self.place, capture_output=True, text=True, timeout=PATIENCE, env=env)
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

    def wait_for(self, what, seconds=PATIENCE):
        """Waits until ``what()`` is true, and returns it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = what()
            if found:
                return found
            time.sleep(0.1)
        pytest.fail(f"waited {seconds} s in vain\n{self.picture()}")
        return None

    def queue(self, results=None):
        """Ids of the jobs of this user's store that wait or run, each element of an array on its own."""
        jobs = [line.split("|") for line in slurm("squeue", "-h", "-r", "-o", "%i|%j", sure=True).splitlines()]
        own = f"-{mark(Path(results or self.store.root))}-"  # as in the names of all jobs of this store
        return [job for job, name in jobs if own in name]

    def release(self):
        """Lets the jobs that are held begin."""
        for job in {job.partition("_")[0] for job in self.queue()}:
            slurm("scontrol", "release", job)

    def wait_for_reports(self):
        """Waits until no job of this user's store is left in the queue."""
        self.wait_for(lambda: not self.queue())

    def release_until_reports(self):
        """Lets the jobs that are held begin, and those of further rounds, until none is left in the queue."""
        self.wait_for(lambda: self.release() or not self.queue())

    def training(self):
        """Pids of the workers that train a run now and have finished its first epoch."""
        found = []
        for history in self.store.root.glob("*/history.jsonl"):
            for lease in history.parent.glob("lease.*"):
                with contextlib.suppress(OSError, ValueError):  # given up just now
                    found.append(json.loads(lease.read_text())["pid"])
        return found

    @contextlib.contextmanager
    def frozen(self, count=1):
        """Stops at least so many jobs, with their workers, amid the training of a run.

        What is done to them meanwhile meets them in training, however fast this machine is. Gives the pids of the jobs'
        own processes.
        """
        stopped, jobs = set(), set()
        try:

            def stop():
                for pid in set(self.training()) - stopped:
                    with contextlib.suppress(OSError):
                        job = parent(pid)
                        for one in (pid, job):
                            os.kill(one, signal.SIGSTOP)
                        stopped.update((pid, job))
                        jobs.add(job)
                return len(jobs) >= count

            self.wait_for(stop)
            self.wait_for(lambda: all(stands_still(pid) for pid in stopped))
            yield sorted(jobs)
        finally:
            for some in (jobs, stopped - jobs):  # jobs first: they handle a signal before their workers go on
                for pid in some:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGCONT)
                time.sleep(HANDLED)

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
