"""A stand-in for SLURM's commands: it queues what it is given and starts nothing, so that no root is needed."""

import json
import sys

import pytest

from repro.cli.main import main
from repro.runs.store import Store

SCRIPTS = {
    "sbatch": """
        [ -e {d}/refusal ] && {{ cat {d}/refusal >&2; exit 1; }}
        n=$(($(cat {d}/number) + 1)); echo $n > {d}/number; echo "$@" >> {d}/sbatch.calls
        case "$*" in
          *--parsable*) echo $n;;
          *) grep -h job-name "$1" >> {d}/names; cp "$1" {d}/script; echo "Submitted batch job $n";;
        esac
    """,
    "squeue": "[ -e {d}/away ] && {{ cat {d}/away >&2; exit 1; }}; cat {d}/queue",
    "sinfo": "echo '{limit}'",
    "scontrol": """
        case "$1 $2" in
          "show config") echo "MaxArraySize = 1001";;
          "--oneliner show") cat {d}/look;;
        esac
    """,
    "sacct": "exit 1",
    "srun": "exit 1",  # which submitit looks for
    "scancel": 'echo "$@" >> {d}/scancel.calls',
}


class Cluster:
    """The stand-in and a user of it."""

    def __init__(self, place, capsys):
        self.place, self.capsys = place, capsys
        self.bin = place / "bin"
        self.bin.mkdir()
        (self.bin / "number").write_text("10")
        self.queue()
        self.look(0)
        self.limit("up|1-00:00:00")
        for name in SCRIPTS:
            self._write(name)
        (place / "slurm").mkdir()
        self.profile()

    def profile(self, **changed):
        """Writes the profile box."""
        keys = {"submitit": "1.5", "partition": "main", "device": "cpu", "shortest": "0s", **changed}
        text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items())
        (self.place / "slurm" / "box.toml").write_text(text)

    def limit(self, text):
        """What sinfo says of the partition: its state and its time limit."""
        self._limit = text
        self._write("sinfo")

    def look(self, code, state=None):
        """How the job ends that looks from a node for what jobs need."""
        state = state or ("FAILED" if code else "COMPLETED")
        (self.bin / "look").write_text(f"JobId=9 JobName=x JobState={state} ExitCode={code}:0 NodeList=n1\n")

    def queue(self, *jobs):
        """What squeue prints: id, name, state, node and reason of each job."""
        (self.bin / "queue").write_text("".join("|".join(job) + "\n" for job in jobs))

    def away(self):
        """The controller answers nobody."""
        (self.bin / "away").write_text("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")

    def before(self, name, line):
        """Lets a command begin with a line of shell."""
        script = self.bin / name
        script.write_text(script.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{line}\n", 1))

    @property
    def script(self):
        """The last script that sbatch was given."""
        return (self.bin / "script").read_text()

    def calls(self, name):
        """The arguments of every call of a command."""
        file = self.bin / f"{name}.calls"
        return file.read_text().splitlines() if file.exists() else []

    def run(self, *words):
        """Runs a command of the suite: its exit code and what it printed."""
        self.capsys.readouterr()
        code = main(list(words))
        printed = self.capsys.readouterr()
        return code, printed.out + printed.err

    def _write(self, name):
        script = self.bin / name
        script.write_text("#!/bin/sh\n" + SCRIPTS[name].format(d=self.bin, limit=self._limit))
        script.chmod(0o755)


@pytest.fixture
def cluster(workplace, capsys, monkeypatch, tiny_claim):
    """A user in an empty folder with the claim ``tiny``, a profile and a stand-in for SLURM."""
    monkeypatch.setenv("PATH", f"{workplace / 'bin'}:/usr/bin:/bin")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    (workplace / "tiny.py").write_text(tiny_claim)
    assert sys.executable
    return Cluster(workplace, capsys)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal on which the long paths of a test do not wrap."""
    monkeypatch.setenv("COLUMNS", "1000")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)
