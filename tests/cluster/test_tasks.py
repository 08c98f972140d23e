"""The tasks of one job: where they meet."""

import os

import pytest

from repro.cluster.tasks import meet
from repro.training.group import launched

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
    assert job(0, 1, ["n1"]) == 0
    assert launched() is None


def test_tasks_of_one_node_meet_on_it_whatever_it_is_called(job):
    assert job(1, 2, ["n1"]) == 1
    place = launched()
    assert (place.rank, place.size) == (1, 2)
    assert place.address.startswith("tcp://127.0.0.1:")


@pytest.mark.parametrize(("shown", "own"), [("4,5", "5"), ("GPU-a,GPU-b", "GPU-b"), ("6", "6"), (None, "1")])
def test_a_task_takes_the_gpu_that_its_job_was_given(job, shown, own):
    assert job(1, 2, ["n1"], shown) == 1
    assert os.environ["CUDA_VISIBLE_DEVICES"] == own


def test_tasks_of_two_nodes_meet_on_the_first_at_one_port_each_with_its_own_gpu(job):
    places = []
    for rank in range(4):
        assert job(rank, 4, ["n1", "n2"]) == rank
        places.append(launched())
        assert os.environ["CUDA_VISIBLE_DEVICES"] == str(rank % 2)
    assert [place.rank for place in places] == [0, 1, 2, 3]
    assert len({place.address for place in places}) == 1
    assert places[0].address.startswith("tcp://n1:")
