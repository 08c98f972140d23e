"""What jobs are given on their way, whatever the user's environment and [sbatch] say."""

import pytest
from submitit.slurm.slurm import SlurmJobEnvironment

SUBMIT = ("submit", "tiny.py", "--cluster", "box")


def test_jobs_are_warned_by_the_signal_that_they_handle_whatever_submitit_is_told(cluster, monkeypatch):
    monkeypatch.setattr(SlurmJobEnvironment, "USR_SIG", "USR1")  # as SUBMITIT_PREEMPT_SIGNAL sets it
    assert cluster.run(*SUBMIT)[0] == 0
    assert "#SBATCH --signal=USR2@" in cluster.script
    assert "SUBMITIT_PREEMPT_SIGNAL=USR2" in cluster.script


def test_the_tasks_of_a_job_get_the_environment_of_its_setup_whatever_it_inherits(cluster):
    with (cluster.place / "slurm" / "box.toml").open("a") as profile:
        profile.write('\n[sbatch]\nexport = "NONE"\n')
    assert cluster.run(*SUBMIT)[0] == 0
    assert "#SBATCH --export=NONE" in cluster.script
    assert "SLURM_EXPORT_ENV=ALL" in cluster.script


@pytest.mark.parametrize("name", ["SLURM_CLUSTERS", "SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"])
def test_sbatch_goes_to_the_cluster_that_squeue_asks(cluster, monkeypatch, name):
    for command in ("sbatch", "squeue"):
        cluster.before(command, f'echo "${name}" >> {cluster.bin}/{command}.saw')
    monkeypatch.setenv(name, "other")
    assert cluster.run(*SUBMIT)[0] == 0
    for command in ("sbatch", "squeue"):
        assert set((cluster.bin / f"{command}.saw").read_text().splitlines()) == {"other"}


@pytest.mark.parametrize("name", ["SQUEUE_PARTITION", "SQUEUE_NAMES", "SQUEUE_STATES"])
def test_a_users_filters_of_squeue_hide_no_jobs(cluster, monkeypatch, name):
    cluster.before("squeue", f'echo "${name}" >> {cluster.bin}/squeue.saw')
    monkeypatch.setenv(name, "debug")
    assert cluster.run(*SUBMIT)[0] == 0
    assert set((cluster.bin / "squeue.saw").read_text().splitlines()) == {""}
