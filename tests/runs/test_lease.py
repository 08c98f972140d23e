import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repro.runs import lease as lease_module
from repro.runs.lease import EXPIRES, Lease, holder


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Whoever takes over from another machine watches for a moment alone."""
    monkeypatch.setattr(lease_module, "WATCH", 0.05)


def current(folder):
    (path,) = folder.glob("lease.*")
    return path


def test_a_folder_has_one_holder_at_a_time(tmp_path):
    lease = Lease.take(tmp_path)
    assert Lease.take(tmp_path) is None
    assert f"process {os.getpid()}" in holder(tmp_path)
    lease.release()
    assert holder(tmp_path) is None
    assert Lease.take(tmp_path) is not None


def test_no_draft_stays_behind(tmp_path):
    lease = Lease.take(tmp_path)
    Lease.take(tmp_path)
    lease.release()
    assert list(tmp_path.iterdir()) == []


def test_the_lease_of_a_killed_process_is_taken_over_at_once(tmp_path):
    code = "import sys, time; from pathlib import Path; from repro.runs.lease import Lease\n"
    code += "assert Lease.take(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
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


def test_renewing_keeps_a_lease_young(tmp_path):
    lease = Lease.take(tmp_path)
    os.utime(current(tmp_path), (0, 0))
    assert lease.renew()
    assert time.time() - current(tmp_path).stat().st_mtime < EXPIRES


def test_a_lost_lease_is_noticed_and_the_winners_is_not_released(tmp_path, monkeypatch):
    lease = Lease.take(tmp_path)
    monkeypatch.setattr(lease_module, "_looks_dead", lambda path, now: True)
    winner = Lease.take(tmp_path)
    assert not lease.renew()
    lease.release()
    assert winner.renew()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "1", "{}", '{"pid": 1}', '{"host": "far/away", "pid": "one", "started": "", "token": ""}', "\x00"],
)
def test_a_damaged_lease_names_no_holder_and_blocks_the_folder_until_it_expires(tmp_path, text):
    path = tmp_path / "lease.1"
    path.write_text(text)
    assert holder(tmp_path) is None
    assert Lease.take(tmp_path) is None
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


def test_a_full_disk_leaves_no_draft_of_a_lease(tmp_path, monkeypatch):
    def full(path, text, **_):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lease_module.Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        Lease.take(tmp_path)
    assert list(tmp_path.iterdir()) == []


def race(folder, start, queue):
    start.wait()
    lease = Lease.take(folder)
    queue.put(lease is not None)
    time.sleep(0.2)  # a winner that ended at once would rightly be inherited


@pytest.mark.parametrize("dead", [False, True], ids=["free", "dead"])
def test_of_many_who_race_for_a_folder_at_most_one_wins(tmp_path, dead):
    context = multiprocessing.get_context("fork")
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        if dead:
            Lease.take(folder)
            path = current(folder)
            path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": 2**22 + 1, "started": "0"}))
        start, queue = context.Event(), context.Queue()
        racers = [context.Process(target=race, args=(folder, start, queue)) for _ in range(6)]
        for racer in racers:
            racer.start()
        start.set()
        won = sum(queue.get(timeout=30) for _ in racers)
        for racer in racers:
            racer.join()
        assert won <= 1


def test_a_kept_lease_stays_young_while_its_holder_is_busy(tmp_path, monkeypatch):
    monkeypatch.setattr(lease_module, "RENEW", 0.02)
    lease = Lease.take(tmp_path)
    os.utime(current(tmp_path), (0, 0))
    with lease.kept():
        deadline = time.monotonic() + 10
        while current(tmp_path).stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
    assert current(tmp_path).stat().st_mtime > 0
    os.utime(current(tmp_path), (0, 0))
    time.sleep(0.1)
    assert current(tmp_path).stat().st_mtime == 0  # nobody renews it any more
