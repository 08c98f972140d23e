"""Of many who race for a folder one wins, in every order of their steps."""

import json
import multiprocessing
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from repro.runs import lease as lease_module
from repro.runs.lease import EXPIRES, Lease
from tests.runs.made import current


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
            self.me = 3
            for path in self.folder.glob("lease.*"):
                os.utime(path, (0, 0))  # however far the clock was turned before
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
