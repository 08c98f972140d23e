"""sbatch through submitit: an executor for one kind of job, and one-line errors."""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from repro.cluster import scheduler
from repro.cluster.ledger import Submission
from repro.cluster.profile import Profile, with_gpus
from repro.errors import ClusterError

SIGNAL = "USR2"  # submitit asks for another where the user's environment names one
# srun passes this environment on whatever export is in [sbatch]; submitit handles the signal that we ask for.
ENVIRONMENT = f"export SLURM_EXPORT_ENV=ALL SUBMITIT_PREEMPT_SIGNAL={SIGNAL}"
# A failing line of the profile's setup ends the job and is named, instead of whatever would fail later without it.
SETUP = (
    """trap 'code=$?; echo "repro: setup failed: $BASH_COMMAND (exit code $code)"; exit 76' ERR""",
    "trap - ERR",
)


def executor(submission: Submission, *, log: Path, **parameters: Any) -> Any:
    """submitit's executor for one kind of job of a submission; ``log`` is its folder."""
    import submitit

    profile = submission.profile
    with refusals():
        made = submitit.SlurmExecutor(log, python=profile.python)
        made.update_parameters(
            **{
                "partition": profile.partition,
                "account": profile.account,
                "qos": profile.qos,
                "constraint": profile.constraint,
                "exclude": ",".join(submission.excluded) or None,
                **share(profile, 1),
                # Only SLURM 23.02 and later give jobs their start time.
                "setup": ["export REPRO_BEGAN=$(date +%s)", ENVIRONMENT, SETUP[0], *profile.setup, SETUP[1]],
                "stderr_to_stdout": True,
                "wckey": None,
                "additional_parameters": {
                    "requeue": True,
                    "signal": f"{SIGNAL}@{parameters.get('signal_delay_s', 90)}",
                    **{name: value for name, value in profile.sbatch.items() if value is not False},
                },
                **parameters,
            }
        )
    return made


def share(profile: Profile, runs: int) -> dict[str, Any]:
    """Resources of a job in which ``runs`` runs train at a time."""
    cpus = profile.cpus * runs
    # srun does not inherit cpus-per-task since SLURM 22.05.
    return {"cpus_per_task": cpus, "srun_args": [f"--cpus-per-task={cpus}"], "mem": profile.megabytes(runs)}


def several(profile: Profile, devices: int) -> dict[str, Any]:
    """Resources of a job whose one run is trained by so many processes: a task each, with a GPU of its own."""
    nodes, tasks = profile.spread(devices)
    if nodes * tasks == 1:
        return {"gpus_per_node": profile.gpus_per_node, "gres": profile.gres}
    # When a task dies, so must the others, which wait for it.
    arguments = [f"--cpus-per-task={profile.cpus}", "--kill-on-bad-exit=1"]
    return {
        "nodes": nodes,
        "ntasks_per_node": tasks,
        "srun_args": arguments,
        "mem": profile.megabytes(tasks),
        "gpus_per_node": tasks if profile.gpus_per_node else None,
        "gres": with_gpus(profile.gres, tasks) if profile.gres else None,
    }


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what submitit raises into one line with the scheduler's message."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    try:
        with redirect_stderr(StringIO()):  # submitit prints sbatch's message, and raises it too
            yield
    except FailedJobError as error:
        lines = [line for line in str(error).splitlines() if line.startswith("sbatch: ")]
        messages = dict.fromkeys(line.removeprefix("sbatch: ") for line in lines)  # submitit repeats sbatch's messages
        raise ClusterError(scheduler.refusal("sbatch", "\n".join(messages) or str(error))) from None
    except (FailedSubmissionError, ValueError, RuntimeError, OSError) as error:
        raise ClusterError(f"submitit failed: {str(error).rstrip('.')}.") from None
