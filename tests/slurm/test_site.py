"""What the site does to a store while jobs write to it, done to a real one."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest


@contextlib.contextmanager
def read_only(folder, nodes=("n1", "n2")):
    """A folder that nodes, and so their jobs, may read and not write; here it stays as it was."""
    pids = [(Path(os.environ["TESTBED"]) / "run" / f"{node}.pid").read_text().strip() for node in nodes]

    def inside(pid, *command):
        subprocess.run(["nsenter", "--target", pid, "--mount", *command], check=True, timeout=30)

    for pid in pids:
        inside(pid, "mount", "--bind", str(folder), str(folder))
        inside(pid, "mount", "-o", "remount,bind,ro", str(folder))
    try:
        yield
    finally:
        for pid in pids:
            inside(pid, "umount", "--lazy", str(folder))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_runs_wait_while_their_store_is_read_only_and_resume_afterwards(user):
    user.claim(epochs=12)
    user.submit()
    with contextlib.ExitStack() as stack:
        with user.frozen():
            stack.enter_context(read_only(user.place / "results"))
        user.wait_for(lambda: not user.queue())
        status = user.status()
        assert status["runs"] == {"waiting": 2}
        assert "then: repro submit" in status["failures"][0]["command"]
        assert [one["state"] for one in status["reports"]] == ["lost"]
    assert "2 of them were held up by a fault of the site" in user.submit()
    user.wait_for_reports()
    status = user.status()
    assert status["runs"] == {"complete": 2}
    assert [one["state"] for one in status["reports"]] == ["written"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_node_that_alone_cannot_write_to_the_store_is_left_and_its_run_goes_to_the_other(user, sound):
    user.claim(epochs=16)
    user.profile(cpus=5)  # no node has room for two
    user.submit()
    with contextlib.ExitStack() as stack:
        with user.frozen(2):
            assert {attempt.node for attempt in user.attempts()} == {"n1", "n2"}
            stack.enter_context(read_only(user.place / "results", nodes=("n1",)))
        user.wait_for_reports()
    assert [one.excluded for one in user.submissions] == [(), ("n1",)]
    assert user.attempts()[-1].node == "n2"
    sound(user)
