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


def stands_still(pid):
    """Whether a process has stopped, or ended: on a busy machine, SIGSTOP takes a while to be heard."""
    return state(pid) not in ("R", "S", "D")


def signalled(pid, number):
    """Whether a signal waits in a process that stood still, or something has let the process go on.

    With its signals, SLURM sends SIGCONT where it preempts.
    """
    found = status(pid)
    waiting = int(found.get("SigPnd", "0"), 16) | int(found.get("ShdPnd", "0"), 16)
    return bool(waiting >> (number - 1) & 1) or state(pid) != "T"


def state(pid):
    """The letter that the kernel gives to a process's state; none for one that is gone."""
    return status(pid).get("State", " ").strip()[:1]


def status(pid):
    """What the kernel says of a process; nothing of one that is gone."""
    try:
        return dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except OSError:
        return {}
