"""The site's faults are not the run's: such runs wait, and what stands behind them is not drained."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import time

import pytest

from repro.cluster import deaths, job, ledger, sbatch, scheduler, site
from repro.cluster.fate import fates
from repro.cluster.groups import groups
from repro.cluster.ledger import Array
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import read
from repro.errors import CodeError, DataError, SpecError, StoreError, TakenOverError
from repro.executing import worker
from repro.executing.worker import Done, is_the_sites_fault
from repro.runs import lease as leases
from repro.runs.files import explain_write_errors
from repro.runs.lease import Lease
from repro.runs.store import Store
from tests.cluster.made import BOX, SPECS, attempted, queued, state, submitted


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def raised(make):
    try:
        make()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def fail_to_write(number):
    def make():
        with explain_write_errors(None):
            raise OSError(number, "no")

    return make


def throw(error):
    def make():
        raise error

    return make


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ESTALE, errno.EACCES, errno.EIO])
def test_a_folder_that_cannot_be_written_is_the_sites_fault(number):
    assert is_the_sites_fault(raised(fail_to_write(number)))
    assert is_the_sites_fault(OSError(number, "no"))


@pytest.mark.parametrize("error", [DataError("missing"), CodeError("changed")])
def test_missing_data_and_changed_code_are_the_sites_fault(error):
    assert is_the_sites_fault(raised(throw(error)))


@pytest.mark.parametrize(
    "error", [SpecError("no such depth"), StoreError("edited"), RuntimeError("boom"), MemoryError()]
)
def test_what_only_one_run_has_is_not_the_sites_fault(error):
    assert not is_the_sites_fault(raised(throw(error)))


@pytest.fixture
def element(store, monkeypatch):
    """A submission of one element of two runs, whose job begins here; what is cancelled is kept."""
    here = dataclasses.replace(BOX, device="cpu")
    one = submitted(store.root, SPECS[:2], together=2, profile=here)
    runs = [{"spec": spec.to_json(), "criteria": {}} for spec in SPECS[:2]]
    one.element_file(0).write_text(json.dumps({"workers": 1, "minutes": 10, "runs": runs}))
    cancelled = []
    monkeypatch.setattr(scheduler, "cancel_waiting", cancelled.extend)
    return one, cancelled


def test_a_run_that_met_the_sites_fault_waits_and_what_stands_behind_it_leaves_the_queue(element, store, monkeypatch):
    one, cancelled = element
    tried = []

    def train(tasks, _site, stop, note):
        for task in tasks:
            if not stop.event.is_set():
                tried.append(task.spec)
                note(Done(spec=task.spec, status="waiting", seconds=1.0, error="cifar10 is not in /data"))
        return False

    monkeypatch.setattr(job.pool, "train", train)
    job.work(str(one.folder), 0)
    assert tried == SPECS[:1]
    assert cancelled == ["7"]
    found = fates(SPECS[:2], read(store), ())
    assert [found[spec.key].state for spec in SPECS[:2]] == ["waiting", "waiting"]
    (group,) = groups(list(found.values()), store)
    assert group.count == 2
    assert "cifar10 is not in /data" in group.why
    assert "then: repro submit" in group.command


def test_a_job_that_cannot_even_write_that_down_says_so_by_its_exit_code(element, monkeypatch):
    one, cancelled = element
    monkeypatch.setattr(job, "_begin", lambda *_: fail_to_write(errno.ENOSPC)())
    with pytest.raises(SystemExit) as ended:
        job.work(str(one.folder), 0)
    assert ended.value.code == deaths.SITE_FAULT
    assert cancelled == ["7"]


def test_no_task_that_is_killed_with_another_hides_that_the_site_was_at_fault():
    assert 128 + max(signal.Signals) < deaths.SITE_FAULT < 253  # srun returns the highest code; 253 is out of memory


def test_any_other_error_of_a_job_is_its_own(element, monkeypatch):
    one, cancelled = element
    monkeypatch.setattr(job, "_begin", lambda *_: throw(StoreError("edited"))())
    with pytest.raises(StoreError):
        job.work(str(one.folder), 0)
    assert cancelled == []


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("code", ["203:0", "75:0"], ids=["scontrol", "sacct"])
def test_status_works_while_the_folder_is_full_and_knows_that_runs_wait(store, monkeypatch, begun, code):
    one = submitted(store.root, SPECS[:1])
    if begun:
        attempted(one, 0, end=None)
    ended = Job("7", one.array_name(0), "FAILED", "n1", "", code)
    monkeypatch.setattr(scheduler, "ended", lambda _ids: {"7": [ended]})
    monkeypatch.setattr(deaths, "write", lambda *_: fail_to_write(errno.ENOSPC)())
    found = fates(SPECS[:1], deaths.learn(read(store), []), [])
    assert found[SPECS[0].key].state == "waiting"
    assert not ledger.deaths_file(one).exists()


def test_a_run_that_waits_is_queued_once_its_job_is_back(store):
    one = submitted(store.root)
    attempted(one, 0, end="waiting", status="waiting")
    assert state(store, one) == "waiting"
    assert state(store, one, [queued(one, 0, "PENDING")]) == "queued"


class _Session:
    selected = ()


def test_the_next_round_waits_until_the_trouble_is_gone(store, monkeypatch):
    one = submitted(store.root)
    answers = iter(["full", "full", ""])
    monkeypatch.setattr(site, "trouble", lambda *_: next(answers))
    slept = []
    assert site.wait_until_fixed(one, _Session, 600.0, sleep=slept.append) == ""
    assert len(slept) == 2


def test_trouble_that_stays_is_named_after_a_while(store, monkeypatch):
    one = submitted(store.root)
    slept = []
    assert "the code is" in site.wait_until_fixed(one, _Session, 30.0, sleep=slept.append)
    assert sum(slept) == 30.0


def test_a_folder_that_can_be_written_and_the_same_code_are_no_trouble(store):
    one = submitted(store.root, code=site.code_digest())
    assert site.trouble(one, _Session) == ""
    assert not list((store.root / ".slurm").glob(".room*"))


def test_a_full_folder_is_trouble(store, monkeypatch):
    one = submitted(store.root, code=site.code_digest())
    monkeypatch.setattr(site, "write", lambda *_: fail_to_write(errno.ENOSPC)())
    assert "cannot be written" in site.trouble(one, _Session)


def test_a_failed_run_whose_folder_was_deleted_is_missing(store):
    one = submitted(store.root)
    attempted(one, 0, status="failed")
    assert state(store, one) == "failed"
    for path in sorted(store.folder(SPECS[0]).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert state(store, one) == "missing"


def test_a_suspended_job_is_distinguished_from_a_running_one(store):
    one = submitted(store.root)
    attempted(one, 0, end=None)
    assert Lease.take(store.folder(SPECS[0]))
    assert state(store, one, [queued(one, 0, "RUNNING", node="n1")]) == "running"
    assert state(store, one, [queued(one, 0, "SUSPENDED", node="n1")]) == "suspended"


def test_a_run_that_waits_for_a_dead_processes_lease_says_so(store, monkeypatch):
    one = submitted(store.root)
    attempted(one, 0, end=None)
    monkeypatch.setattr(leases, "_machine", lambda: "elsewhere")
    assert Lease.take(store.folder(SPECS[0]))
    monkeypatch.undo()

    def why():
        return fates(SPECS[:1], read(store), [queued(one, 0, "RUNNING", node="n1")])[SPECS[0].key].why

    assert why() == ""
    (lease,) = store.folder(SPECS[0]).glob("lease.*")
    os.utime(lease, (time.time() - 60,) * 2)
    assert "waiting for a lease" in why()


@pytest.mark.parametrize("jump", [-180.0, 180.0])
def test_a_clock_that_jumps_by_three_minutes_on_one_node_takes_no_lease_from_another(store, monkeypatch, jump):
    folder = store.begin(SPECS[0])
    monkeypatch.setattr(leases, "_machine", lambda: "elsewhere")
    lease = Lease.take(folder)
    monkeypatch.undo()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    assert Lease.take(folder) is None
    monkeypatch.setattr(leases, "_machine", lambda: "elsewhere")
    assert lease.renew()


@pytest.mark.parametrize("jump", [-180.0, 180.0])
def test_hours_are_never_negative_whatever_a_clock_does(store, jump):
    one = submitted(store.root, SPECS[:1])
    made = attempted(one, 0, began=1000.0, ended=1000.0 + jump)
    assert made.seconds == max(0.0, jump)


FRAME = 'File "/x/{key}/loop.py", line 3, in train'


def test_failures_of_one_cause_are_one_group_whatever_name_or_path_stands_in_them(store):
    one = submitted(store.root)
    for number, spec in enumerate(SPECS[:3]):
        attempted(one, number, status="failed")
        error = f"RuntimeError: {spec.name}: cannot read {store.folder(spec)}/x, tried to allocate {number + 2}.5 GiB"
        store.fail(spec, error, FRAME.format(key=spec.key))
    attempted(one, 3, status="failed")
    store.fail(SPECS[3], "ValueError: another cause", FRAME.format(key=SPECS[3].key))
    first, second = groups(list(fates(SPECS, read(store), ()).values()), store)
    assert (first.count, second.count) == (3, 1)
    assert SPECS[0].name in first.why
    assert first.names == tuple(spec.name for spec in SPECS[:3])
    assert f"repro logs '{SPECS[0].name}'" in first.command
    assert "repro retry" in first.command


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (("true", "module load nosuch"), "module load nosuch"),
        (("if false; then true; fi", "false || true", "cd /nowhere"), "cd /nowhere"),
    ],
)
def test_a_failing_line_of_setup_ends_the_job_and_is_named(lines, named):
    script = "\n".join(("#!/bin/bash", sbatch.SETUP[0], *lines, sbatch.SETUP[1], "echo began"))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 76
    assert f"repro: setup failed: {named}" in done.stdout
    assert "began" not in done.stdout


def test_lines_of_setup_that_succeed_let_the_job_begin():
    script = "\n".join(
        (sbatch.SETUP[0], "if false; then true; fi", "false || true", sbatch.SETUP[1], "false", "echo began")
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "began\n"


def test_a_setup_that_failed_is_the_cause_that_status_shows(store):
    one = submitted(store.root, SPECS[:1], arrays=(Array(job="7", first=0, count=1, minutes=10, workers=1),))
    one.log_of("7").write_text("line 1: module: not found\nrepro: setup failed: module load x (exit code 127)\n")
    ended = Job("7", one.array_name(0), "FAILED", "n1", "", "76:0")
    notes = deaths._notes(one, {}, {"7": 0}, {"7": ended})
    ledger.deaths_file(one).write_text(json.dumps(notes))
    found = fates(SPECS[:1], read(store), ())[SPECS[0].key]
    assert found.state == "waiting"
    assert "module load x" in found.why


def at(site_store, isolated):
    here = worker.Setup(
        store=site_store, data_dir=site_store.root, device="cpu", workers=1, deadline=None, isolated=isolated
    )
    return worker.Assignment(spec=SPECS[0], criteria={}, setup=here)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(errno.EROFS, "Read-only file system"), "waiting"),
        (CodeError("changed"), "waiting"),
        (DataError("missing"), "waiting"),
        (StoreError("edited by hand"), "failed"),
        (TakenOverError("another process"), None),
    ],
)
def test_a_worker_distinguishes_the_sites_faults_from_a_runs(store, monkeypatch, error, status):
    monkeypatch.setattr("repro.training.run", lambda *_, **__: throw(error)())
    (done,) = worker.work([at(store, isolated=True)])
    assert (done and done.status) == status


def test_on_this_machine_a_lost_folder_is_one_line_and_no_traceback(store, monkeypatch):
    monkeypatch.setattr("repro.training.run", lambda *_, **__: throw(OSError(errno.EIO, "Input/output error"))())
    with pytest.raises(StoreError, match="Input/output error"):
        worker.work([at(store, isolated=False)])


def test_a_lost_folder_leaves_no_failure_beside_the_run(store, monkeypatch):
    monkeypatch.setattr("repro.training._train", lambda *_: throw(OSError(errno.EIO, "Input/output error"))())
    assert worker.work([at(store, isolated=True)])[0].status == "waiting"
    assert store.condition(SPECS[0]) == "missing"
