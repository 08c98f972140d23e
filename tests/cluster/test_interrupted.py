"""Submissions and looks at nodes that are broken off leave no job behind that nobody knows of."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace

import pytest

from repro.cluster import scheduler
from repro.cluster.snapshot import read
from repro.runs.store import Store

SUBMIT = ("submit", "tiny.py", "--cluster", "box")
SILENT = "echo 'error: Socket timed out on send/recv operation' >&2; exit 1"


@pytest.fixture
def impatient(monkeypatch):
    """A controller that does not answer is asked once."""
    monkeypatch.setattr(scheduler, "PATIENCE", 0.0)


@pytest.fixture
def seen(monkeypatch):
    """A node sees whatever jobs need, without being asked."""
    monkeypatch.setattr("repro.cluster.visibility.check", lambda *_: iter(()))


def test_what_sbatch_may_have_queued_and_scancel_could_not_cancel_is_named_and_keeps_its_folder(
    cluster, impatient, seen
):
    for command in ("sbatch", "scancel"):
        cluster.before(command, SILENT)
    code, printed = cluster.run(*SUBMIT)
    (folder,) = (cluster.place / "results" / ".slurm").glob("*-*/")
    assert code == 2
    assert f"Perhaps queued all the same, as scancel fails too: repro.{folder.name}.0" in printed
    assert "Nothing was queued" not in printed


def test_what_sbatch_did_not_answer_for_and_scancel_cancelled_leaves_nothing(cluster, impatient, seen):
    cluster.before("sbatch", SILENT)
    assert "Nothing was queued" in cluster.run(*SUBMIT)[1]
    assert not list((cluster.place / "results" / ".slurm").glob("*-*/"))


def interrupted(_seconds):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("waits", "words"),
    [
        ("visibility", SUBMIT),
        ("waiting", ("doctor", "--cluster", "box")),
        ("waiting", ("cluster", "throughput", "box", "tiny.py")),
    ],
    ids=["submit", "doctor", "throughput"],
)
def test_a_job_that_is_waited_for_until_ctrl_c_is_cancelled(cluster, monkeypatch, waits, words):
    cluster.look(0, "PENDING")
    cluster.before("squeue", f'echo "$(cat {cluster.bin}/number)|x|PENDING||Priority"; exit')
    monkeypatch.setattr(
        f"repro.cluster.{waits}.time", SimpleNamespace(sleep=interrupted, monotonic=time.monotonic, time=time.time)
    )
    with contextlib.suppress(KeyboardInterrupt):
        cluster.run(*words)
    assert cluster.calls("scancel") == [f"--quiet {(cluster.bin / 'number').read_text().strip()}"]


def test_a_look_of_which_the_controller_says_no_more_is_cancelled(cluster, impatient):
    cluster.before("scontrol", f'[ "$1" = --oneliner ] && {{ {SILENT}; }}')
    assert "no node was free" in cluster.run(*SUBMIT)[1]
    assert len(cluster.calls("scancel")) == 1


@pytest.fixture
def signalled(cluster):
    """Submits in a process of its own, to which the third call of sbatch for an array sends a signal."""
    cluster.profile(array_size=1)

    def submit(number, *prefix):
        cluster.before(
            "sbatch",
            f'[ "$(cat {cluster.bin}/names 2>/dev/null | wc -l)" = 2 ] && '
            f'case "$*" in *--parsable*) ;; *) kill -{int(number)} $PPID;; esac',
        )
        command = [*prefix, sys.executable, "-m", "repro.cli", *SUBMIT]
        heard = partial(signal.signal, signal.SIGHUP, signal.SIG_DFL)  # whoever tests may have been begun by nohup
        return subprocess.run(
            command, cwd=cluster.place, capture_output=True, text=True, timeout=120, preexec_fn=heard
        ).returncode

    return submit


def test_arrays_that_are_on_record_are_cancelled_although_another_may_be_there(cluster, impatient, seen):
    cluster.profile(array_size=1)
    cluster.before("sbatch", f'[ "$(cat {cluster.bin}/names 2>/dev/null | wc -l)" = 2 ] && {{ {SILENT}; }}')
    cluster.before("scancel", f'case "$*" in *--name=*) {SILENT};; esac')
    printed = cluster.run(*SUBMIT)[1]
    named = re.search(r"Queued before that, and perhaps still there: ([\d, ]+)\.", printed)[1].split(", ")
    assert len(named) == 2
    assert any(set(named) <= set(call.split()) for call in cluster.calls("scancel"))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_what_a_submission_had_queued_when_the_connection_was_lost_is_cancelled(cluster, signalled, number):
    assert signalled(number) == 128 + number
    first = read(Store(cluster.place / "results")).entries[-1].submission.arrays[0].job
    assert any(first in call.split() for call in cluster.calls("scancel"))


def test_under_nohup_a_lost_connection_ends_no_submission(cluster, signalled):
    assert signalled(signal.SIGHUP, "nohup") == 0
    assert len(read(Store(cluster.place / "results")).entries[-1].submission.arrays) == 6
    assert not cluster.calls("scancel")
