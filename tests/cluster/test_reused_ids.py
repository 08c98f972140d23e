"""Schedulers use ids of jobs again: a job of somebody else is neither waited for nor cancelled."""

import pytest

from repro.cluster import ledger
from repro.runs.lease import Lease
from repro.runs.store import Store
from tests.cluster.made import last, paused

SUBMIT = ("submit", "tiny.py", "--cluster", "box")


@pytest.fixture
def by_hand(cluster):
    """A submission whose jobs are gone, one of whose runs is trained by hand now; its job's id is somebody else's."""
    cluster.run(*SUBMIT)
    one = paused(cluster)
    (run,) = ledger.read_element(one, 0).runs
    assert Lease.take(Store(cluster.place / "results").begin(run.spec))
    cluster.queue((one.job_of(0), "theirs", "RUNNING", "n1", "None"))
    return cluster


def test_no_report_waits_for_a_job_of_somebody_elses(by_hand):
    code, printed = by_hand.run(*SUBMIT)
    assert (code, "1 under way, 5 to queue" in printed) == (0, True), printed
    assert f"--dependency=afterany:{last(by_hand).arrays[0].job}\n" in by_hand.script


def test_no_job_of_somebody_elses_is_cancelled(by_hand):
    assert "0 jobs cancelled with 0 runs" in by_hand.run("cancel", "tiny.py")[1]
    assert not by_hand.calls("scancel")
