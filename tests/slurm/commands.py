"""Commands of the testbed's SLURM and its daemons, and what a process of it is doing."""

import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def slurm(*command, sure=False):
    """What a command of SLURM prints. With ``sure``, it must have worked, if not at once then while a minute passes."""
    for _ in range(60):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode == 0 or not sure:
            return done.stdout.strip()
        time.sleep(1)
    pytest.fail(f"{command}: {done.stderr}")
    return None


def daemon(action, name):
    """Stops or starts one daemon of the testbed."""
    subprocess.run([ROOT / "slurm" / "testbed" / "daemon", action, name], check=True, timeout=60)


def parent(pid):
    """The pid of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def signalled(pid, number):
    """Whether a signal waits in a process that was stopped, or something has let the process go on.

    With its signals, SLURM sends SIGCONT where it preempts.
    """
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except OSError:
        return True
    waiting = int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)
    return bool(waiting >> (number - 1) & 1) or "T" not in status["State"].split()[0]
