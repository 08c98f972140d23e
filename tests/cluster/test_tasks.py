"""The tasks of one job: where they meet."""

import errno
import os
import socket
from pathlib import Path

import pytest

from repro.cluster import tasks
from repro.cluster.tasks import Task, _first, meet
from repro.errors import ClusterError
from repro.training.group import Place, launched
from tests.cluster.made import attempted, submitted

# What submitit's helper writes: put back after each test.
WRITTEN = (
    "RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "CUDA_VISIBLE_DEVICES",
)  # fmt: skip


@pytest.fixture
def job(monkeypatch):
    """Makes this process a task of a job; the environment is put back."""

    def enter(rank, tasks, nodes, shown=None):
        for name in WRITTEN:
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)
        if shown is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
        found = {
            "SLURM_JOB_ID": "7", "SLURM_NTASKS": tasks, "SLURM_PROCID": rank, "SLURM_JOB_NUM_NODES": len(nodes),
            "SLURM_NODEID": rank * len(nodes) // tasks, "SLURM_LOCALID": rank % (tasks // len(nodes)),
            "SLURM_JOB_NODELIST": ",".join(nodes), "SUBMITIT_EXECUTOR": "slurm",
        }  # fmt: skip
        for name, value in found.items():
            monkeypatch.setenv(name, str(value))
        return meet()

    return enter


def test_the_only_task_of_a_job_meets_nobody(job):
    assert job(0, 1, ["n1"]) == Task(rank=0)
    assert launched() is None


def test_tasks_of_one_node_meet_on_it_whatever_it_is_called(job):
    task = job(0, 2, ["n1"])
    assert task.meeting.startswith("tcp://127.0.0.1:")
    assert launched() == Place(rank=0, size=2, address=task.meeting)


def test_they_meet_at_a_port_that_no_other_program_has(job, monkeypatch):
    with socket.create_server(("", 0)) as taken, socket.create_server(("", 0)) as soon_free:
        ports = [one.getsockname()[1] for one in (taken, soon_free)]
        monkeypatch.setattr(tasks, "PORTS", ports)
        with pytest.raises(ClusterError, match="is taken"):
            job(0, 2, ["n1"])
        soon_free.close()
        for _ in range(10):
            assert job(0, 2, ["n1"]) == Task(rank=0, meeting=f"tcp://127.0.0.1:{ports[1]}")


@pytest.mark.parametrize(("shown", "own"), [("4,5", "5"), ("GPU-a,GPU-b", "GPU-b"), ("6", "6"), (None, "1")])
def test_a_task_takes_the_gpu_that_its_job_was_given(job, shown, own):
    assert job(1, 2, ["n1"], shown).rank == 1
    assert os.environ["CUDA_VISIBLE_DEVICES"] == own


def test_a_file_system_that_does_not_answer_ends_no_task(tmp_path, monkeypatch):
    one = submitted(tmp_path)
    attempted(one, 0, end=None)
    assert _first(one, 0).end is None

    def stale(*_, **__):
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", stale)
        assert _first(one, 0) is None
    assert _first(one, 1) is None
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert _first(one, 0) is None  # of this attempt nothing is known yet


def test_tasks_of_two_nodes_meet_on_the_first_each_with_its_own_gpu(job):
    first = job(0, 4, ["n1", "n2"])
    assert first.meeting.startswith("tcp://n1:")
    for rank in range(1, 4):
        assert job(rank, 4, ["n1", "n2"]) == Task(rank=rank)  # the first tells it where
        assert os.environ["CUDA_VISIBLE_DEVICES"] == str(rank % 2)
