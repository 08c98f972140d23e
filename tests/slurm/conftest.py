"""Users of the testbed, and what must hold of their runs. See `make test-slurm`."""

import contextlib
import fcntl
import hashlib
import itertools
import os

import pytest

from tests.slurm.commands import slurm
from tests.slurm.user import User, rows


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: no other test may use the testbed meanwhile")


def pytest_collection_modifyitems(items):
    if "SLURM_CONF" not in os.environ or "TESTBED" not in os.environ:
        pytest.exit("the testbed is not up: run `make test-slurm`, or slurm/testbed/up and its env", returncode=2)


@contextlib.contextmanager
def cleared(place):
    """A user of a folder; what they leave in the queue is cancelled."""
    one = User(place)
    one.claim()
    one.profile()
    try:
        yield one
    finally:
        for job in one.queue():
            slurm("scancel", "--quiet", job)


@pytest.fixture
def user(tmp_path):
    """A user with a claim of two short runs."""
    with cleared(tmp_path / "work") as one:
        yield one


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """The rows that the same claim has when its runs are trained without a cluster; each claim once."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "local"
    shared.mkdir(exist_ok=True)

    def judged(user):
        text = (user.place / "tiny.py").read_text()
        place = shared / hashlib.sha256(f"{user.scale} {text}".encode()).hexdigest()[:12]
        with place.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one worker of xdist at a time
            one = User(place / "work", user.scale)  # a row names the folder of its claim file
            if not (one.place / "report" / "verdicts.json").exists():
                (one.place / "tiny.py").write_text(text)
                # A second worker would import torch for longer than it trains.
                one.run("run", "--device", "cpu", "--workers", "1", expect=(0, 2))
                one.run("judge", expect=(0, 1, 2, 3))
        return rows(one.place / "report" / "verdicts.json")

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
            assert [row["epoch"] for row in run.history] == list(range(1, run.spec.rows + 1))
            places = [(part["from_epoch"], part["from_step"]) for part in run.record["parts"]]
            assert places == sorted(set(places))

    return check
