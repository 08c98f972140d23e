import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from repro.runs import lease as lease_module
from repro.runs.lease import EXPIRES, RENEW, WATCH, Lease, holder


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


@pytest.mark.parametrize("token", ["", "0" * 32, "g" * 32])
def test_a_lease_with_another_token_is_not_ours(tmp_path, token):
    lease = Lease.take(tmp_path)
    path = current(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"token": token}))
    os.utime(path, (0, 0))
    assert not lease.renew()
    lease.release()
    assert path.stat().st_mtime == 0


@pytest.mark.parametrize(
    ("left", "next_one"), [((), 1), (("lease.7",), 8), (("lease.2", "lease.10"), 11), (("lease.x",), 1)]
)
def test_whoever_takes_over_has_the_next_number_and_leaves_no_other(tmp_path, left, next_one):
    for name in left:
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (0, 0))
    assert Lease.take(tmp_path) is not None
    assert [path.name for path in tmp_path.iterdir()] == [f"lease.{next_one}"]


def test_a_live_lease_with_a_lower_number_keeps_its_folder(tmp_path):
    Lease.take(tmp_path)
    (tmp_path / "lease.2").write_text("")
    os.utime(tmp_path / "lease.2", (0, 0))
    assert Lease.take(tmp_path) is None


def test_drafts_of_dead_claimants_go_and_those_of_living_ones_stay(tmp_path):
    old, young = tmp_path / ".lease-old", tmp_path / ".lease-young"
    for draft in (old, young):
        draft.write_text("")
    os.utime(old, (0, 0))
    Lease.take(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


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


def test_a_call_that_fails_once_is_repeated_and_none_is_made_afterwards():
    made, done = [], threading.Event()

    def call():
        made.append(1)
        if len(made) == 1:
            raise OSError("away")
        if len(made) == 3:
            done.set()

    with lease_module.repeated(0.001, call):
        assert done.wait(600)
        (thread,) = (one for one in threading.enumerate() if one.name.endswith("(beat)"))
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


def test_a_lease_without_a_start_time_does_not_block_its_folder_for_ever(tmp_path):
    path = tmp_path / "lease.1"
    gone = {"host": lease_module._machine(), "pid": 2**22 + 1, "started": None, "token": "x"}
    path.write_text(json.dumps(gone))
    os.utime(path, (time.time() - EXPIRES * 2,) * 2)
    assert Lease.take(tmp_path) is not None


def test_a_lost_lease_is_noticed_and_the_winners_is_not_released(tmp_path, monkeypatch):
    lease = Lease.take(tmp_path)
    monkeypatch.setattr(lease_module, "_looks_dead", lambda path, now: True)
    winner = Lease.take(tmp_path)
    assert not lease.renew()
    lease.release()
    assert winner.renew()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        "{}",
        '{"pid": 1}',
        '{"host": "far/away", "pid": "one", "started": "", "token": ""}',
        "\x00",
        "[" * 100_000,
    ],
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


def race(folder, start, queue, over):
    start.wait()
    lease = Lease.take(folder)
    queue.put(lease is not None)
    over.wait()  # a winner that ended at once would rightly be inherited


@pytest.mark.parametrize("dead", [False, True], ids=["free", "dead"])
def test_of_many_who_race_for_a_folder_one_wins_and_never_two(tmp_path, dead):
    context, won = multiprocessing.get_context("fork"), []
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        if dead:
            Lease.take(folder)
            path = current(folder)
            path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": 2**22 + 1, "started": "0"}))
        start, queue, over = context.Event(), context.Queue(), context.Event()
        racers = [context.Process(target=race, args=(folder, start, queue, over), daemon=True) for _ in range(6)]
        for racer in racers:
            racer.start()
        start.set()
        won.append(sum(queue.get(timeout=600) for _ in racers))
        over.set()
        for racer in racers:
            racer.join()
    assert max(won) == 1


ACTS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=4)  # who acts, and whether it releases


class Claimants(RuleBasedStateMachine):
    """Four processes on two machines take, renew, release and die, also in the middle of each other's takeover."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.alive = [True] * 4
        self.held = {}
        self.me = 0
        self.meanwhile = None
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(lease_module, "WATCH", 1e-6)
        self.patch.setattr(lease_module, "_machine", lambda: f"machine-{self.me // 2}")
        self.patch.setattr(lease_module.os, "getpid", lambda: self.me)
        self.patch.setattr(lease_module, "_started", lambda pid: "then" if self.alive[pid] else None)
        self.patch.setattr(lease_module.time, "sleep", lambda seconds: self.renew_all())
        link = os.link

        def linked(source, target):
            before, after = self.meanwhile or ((), ())
            self.meanwhile = None
            self.act(before)
            link(source, target)
            self.act(after)

        self.patch.setattr(lease_module.os, "link", linked)

    def act(self, others):
        """Other processes take and release the lease, and this one goes on."""
        mine = self.me
        for self.me, releases in others:
            if self.me != mine and self.alive[self.me]:
                if releases and self.me in self.held:
                    self.held.pop(self.me).release()
                elif self.me not in self.held:
                    self.claim()
        self.me = mine

    def claim(self):
        lease = Lease.take(self.folder)
        if lease is not None:
            self.held[self.me] = lease

    def renew_all(self):
        for lease in self.held.values():
            lease.renew()

    @rule(who=st.integers(0, 3), before=ACTS, after=ACTS)
    def take(self, who, before, after):
        if self.alive[who] and who not in self.held:
            self.me, self.meanwhile = who, (before, after)
            self.claim()
            self.meanwhile = None

    @rule(who=st.integers(0, 3))
    def release(self, who):
        self.me = who
        if who in self.held:
            self.held.pop(who).release()

    @rule(who=st.integers(0, 3))
    def die(self, who):
        self.alive[who] = False
        self.held.pop(who, None)

    @rule(who=st.integers(0, 3))
    def begin_anew(self, who):
        if not any(path for path in self.folder.glob("lease.*") if json.loads(path.read_text())["pid"] == who):
            self.alive[who] = True

    @rule(seconds=st.sampled_from((-1e6, -EXPIRES, EXPIRES / 2, 2 * EXPIRES, 1e6)))
    def turn_the_clock(self, seconds):
        for path in self.folder.glob("lease.*"):
            os.utime(path, (path.stat().st_mtime - seconds,) * 2)

    @invariant()
    def at_most_one_holds_it(self):
        assert len(self.held) <= 1

    @invariant()
    def whoever_holds_it_still_does(self):
        assert all(lease.renew() for lease in self.held.values())

    def teardown(self):
        try:
            self.held.clear()
            self.alive = [False, False, False, True]
            self.turn_the_clock(2e6)
            self.me = 3
            for path in self.folder.glob("lease.*"):
                if json.loads(path.read_text())["pid"] == 3:
                    path.unlink()
            assert Lease.take(self.folder) is not None
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder)


def test_a_claimant_that_was_overtaken_between_its_look_and_its_link_backs_out():
    """Process 1 sees a dead lease; before it links the next number, 2 takes and releases, and 3 starts at one again."""
    claimants = Claimants()
    claimants.begin()
    try:
        claimants.take(who=0, before=[], after=[])
        claimants.die(who=0)
        claimants.turn_the_clock(seconds=2 * EXPIRES)
        claimants.take(who=1, before=[(2, False), (2, True), (3, False)], after=[])
        assert list(claimants.held) == [3]
    finally:
        claimants.teardown()


TestClaimants = Claimants.TestCase
TestClaimants.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


def test_a_kept_lease_stays_young_while_its_holder_is_busy(tmp_path, monkeypatch):
    monkeypatch.setattr(lease_module, "RENEW", 0.02)
    lease = Lease.take(tmp_path)
    os.utime(current(tmp_path), (0, 0))
    with lease.kept():
        deadline = time.monotonic() + 600
        while current(tmp_path).stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
    assert current(tmp_path).stat().st_mtime > 0
    assert not any(thread.name.endswith("(beat)") for thread in threading.enumerate())  # nobody renews it any more
