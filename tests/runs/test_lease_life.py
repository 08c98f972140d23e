"""Whether the holder of a lease is alive: by its process, its signs of life, and clocks that jump."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from repro.runs import lease as lease_module
from repro.runs.lease import EXPIRES, RENEW, WATCH, Lease, holder
from tests.runs.made import current


def test_the_lease_of_a_killed_process_is_taken_over_at_once(tmp_path):
    code = "import sys; from pathlib import Path; from repro.runs.lease import Lease\n"
    code += "assert Lease.take(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], **pipes) as process:
        assert process.stdout.readline() == b"held\n"
        assert Lease.take(tmp_path) is None
        process.kill()
    assert holder(tmp_path) is None
    assert Lease.take(tmp_path) is not None


@pytest.mark.parametrize(("age", "free"), [(0, False), (EXPIRES / 2, False), (EXPIRES * 2, True)])
def test_the_lease_of_another_machine_expires_by_its_age(tmp_path, age, free):
    Lease.take(tmp_path)
    path = current(tmp_path)
    owner = json.loads(path.read_text()) | {"host": "far/away"}
    path.write_text(json.dumps(owner))
    os.utime(path, (time.time() - age,) * 2)
    assert (Lease.take(tmp_path) is not None) == free


def test_a_holder_is_owed_several_signs_of_life_before_it_looks_dead():
    assert 2 * RENEW < WATCH < EXPIRES


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("seconds", "dead"), [(EXPIRES, False), (EXPIRES + 1, True)])
def test_a_lease_elsewhere_looks_dead_once_its_time_is_over(tmp_path, sign, seconds, dead):
    path = tmp_path / "lease.1"
    path.write_text('{"host": "far/away", "pid": 1, "started": "1", "token": "x"}')
    os.utime(path, (1e9, 1e9))
    assert lease_module._looks_dead(path, 1e9 + sign * seconds) == dead


def test_a_process_that_was_given_the_number_of_a_dead_holder_holds_nothing(tmp_path):
    Lease.take(tmp_path)
    path = current(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"started": "1"}))
    assert holder(tmp_path) is None
    assert Lease.take(tmp_path) is not None


def test_a_process_that_has_ended_and_is_still_listed_is_dead():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{process.pid}").exists()
        assert lease_module._started(process.pid) is None


@pytest.mark.parametrize(
    ("error", "started"), [(None, ""), (ProcessLookupError(), None), (OverflowError(), None)], ids=repr
)
def test_where_no_start_time_is_told_a_process_lives_while_it_can_be_signalled(monkeypatch, error, started):
    asked = []

    def kill(pid, signal):
        asked.append((pid, signal))
        if error:
            raise error

    monkeypatch.setattr(lease_module.Path, "exists", lambda path: False)
    monkeypatch.setattr(lease_module.os, "kill", kill)
    assert lease_module._started(7) == started
    assert asked == [(7, 0)]


def test_a_machine_is_its_host_its_boot_and_its_container():
    host, boot, container = lease_module._machine().split("/")
    assert host == os.uname().nodename
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert container == str(Path("/proc/self/ns/pid").readlink())


@pytest.mark.parametrize(("host", "told"), [("far/away", "process 1 on far"), (lease_module._machine(), None)])
def test_an_old_lease_from_elsewhere_is_held_where_the_store_cannot_be_written(tmp_path, monkeypatch, host, told):
    path = tmp_path / "lease.1"
    path.write_text(json.dumps({"host": host, "pid": 1, "started": "gone", "token": "x"}))
    os.utime(path, (0, 0))

    def touch(path):
        raise PermissionError

    monkeypatch.setattr(lease_module.Path, "touch", touch)
    assert holder(tmp_path) == told


def test_a_folder_in_the_place_of_a_lease_is_as_old_as_it_is(tmp_path):
    (tmp_path / "lease.1").mkdir()
    assert Lease.take(tmp_path) is None
    assert list(tmp_path.iterdir()) == [tmp_path / "lease.1"]


def test_no_lease_is_taken_where_its_last_holder_shows_life_while_it_is_watched(tmp_path, monkeypatch):
    path = tmp_path / "lease.1"
    path.write_text('{"host": "far/away", "pid": 1, "started": "1", "token": "x"}')
    os.utime(path, (0, 0))
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            os.utime(path, (1, 1))

    monkeypatch.setattr(lease_module, "WATCH", 1e9)
    monkeypatch.setattr(lease_module.time, "sleep", sleep)
    assert Lease.take(tmp_path) is None
    assert len(slept) == 3 and max(slept) <= 1


def beats():
    """The threads that repeat a call; a test in which a writer was killed may have left some."""
    return {thread for thread in threading.enumerate() if thread.name.endswith("(beat)")}


def test_a_call_that_fails_once_is_repeated_and_none_is_made_afterwards():
    made, done, others = [], threading.Event(), beats()

    def call():
        made.append(1)
        if len(made) == 1:
            raise OSError("away")
        if len(made) == 3:
            done.set()

    with lease_module.repeated(0.001, call):
        assert done.wait(600)
        (thread,) = beats() - others
        assert thread.daemon  # it keeps no program from ending
    assert not thread.is_alive()


def test_renewing_keeps_a_lease_young(tmp_path):
    lease = Lease.take(tmp_path)
    os.utime(current(tmp_path), (0, 0))
    assert lease.renew()
    assert time.time() - current(tmp_path).stat().st_mtime < EXPIRES


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_jumps_does_not_make_a_live_lease_look_dead(tmp_path, monkeypatch, hours):
    Lease.take(tmp_path)
    path = current(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"host": "far/away"}))
    os.utime(path, (time.time() + 3600 * hours,) * 2)
    # Its holder renews it while we watch.
    monkeypatch.setattr(lease_module.time, "sleep", lambda seconds: os.utime(path))
    assert Lease.take(tmp_path) is None


def test_a_holder_elsewhere_is_judged_by_the_file_systems_clock_not_by_ours(tmp_path, monkeypatch):
    Lease.take(tmp_path)
    path = current(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"host": "far/away"}))
    real = time.time
    monkeypatch.setattr(lease_module.time, "time", lambda: real() + 10 * EXPIRES)
    assert "on far" in holder(tmp_path)
    os.utime(path, (real() - 2 * EXPIRES,) * 2)
    assert holder(tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == ["lease.1"]


def test_a_folder_is_taken_over_by_the_file_systems_clock_not_by_ours(tmp_path, monkeypatch):
    Lease.take(tmp_path)
    path = current(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"host": "far/away"}))
    real = time.time
    monkeypatch.setattr(lease_module.time, "time", lambda: real() + 10 * EXPIRES)
    assert Lease.take(tmp_path) is None


def test_a_lease_without_a_start_time_does_not_block_its_folder_for_ever(tmp_path):
    path = tmp_path / "lease.1"
    gone = {"host": lease_module._machine(), "pid": 2**22 + 1, "started": None, "token": "x"}
    path.write_text(json.dumps(gone))
    os.utime(path, (time.time() - EXPIRES * 2,) * 2)
    assert Lease.take(tmp_path) is not None


def test_a_process_of_another_container_of_this_machine_is_not_looked_up_here(tmp_path, monkeypatch):
    Lease.take(tmp_path)
    path = current(tmp_path)
    gone = {"pid": 2**22 + 1, "started": "0"}
    monkeypatch.setattr(lease_module.Path, "readlink", lambda _path: Path("pid:[1]"))
    path.write_text(json.dumps(json.loads(path.read_text()) | gone))
    assert holder(tmp_path) is not None
    assert Lease.take(tmp_path) is None
    path.write_text(json.dumps(json.loads(path.read_text()) | {"host": lease_module._machine()}))
    assert holder(tmp_path) is None
    assert Lease.take(tmp_path) is not None


def test_a_kept_lease_is_renewed_several_times_before_it_looks_dead(tmp_path, monkeypatch):
    lease = Lease.take(tmp_path)
    monkeypatch.setattr(lease_module, "repeated", lambda every, call: (every, call))
    assert lease.kept() == (RENEW, lease.renew)


def test_a_kept_lease_stays_young_while_its_holder_is_busy(tmp_path, monkeypatch):
    monkeypatch.setattr(lease_module, "RENEW", 0.02)
    lease, others = Lease.take(tmp_path), beats()
    os.utime(current(tmp_path), (0, 0))
    with lease.kept():
        deadline = time.monotonic() + 600
        while current(tmp_path).stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
    assert current(tmp_path).stat().st_mtime > 0
    assert beats() <= others  # nobody renews it any more
