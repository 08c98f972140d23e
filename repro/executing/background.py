"""A background trainer: one per machine and store, detached from any terminal, at the lowest priority."""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from repro.errors import StoreError
from repro.executing.background_state import StateWriter, TrainerFiles
from repro.executing.execute import Listener, Tally
from repro.executing.load import PausePolicy, Probe
from repro.executing.signals import Stop
from repro.runs.files import explain_write_errors, make_folder
from repro.runs.lease import repeated

INTERVAL = 10.0  # seconds between readings of the load, and between updates of the state


def start(files: TrainerFiles, command: Sequence[str]) -> int:
    """Starts ``command`` as this machine's trainer, with the lock's descriptor as last argument; returns its pid.

    Raises:
        StoreError: one is running, or the folder cannot be written.
    """
    make_folder(files.folder)
    with explain_write_errors(files.folder):
        lock, log = files.lock.open("a+"), files.log.open("ab")
    with lock, log:
        while not _taken(lock):
            if (pid := files.pid()) is not None:  # else another process only tested the lock
                raise StoreError(
                    f"a trainer is already running in the background (process {pid}); check it with: repro run "
                    f"--background --status --results {files.store.root}; end it with --stop instead of --status."
                )
        lock.truncate(0)
        with explain_write_errors(files.lock):  # a full disk must show before there is a trainer
            os.write(lock.fileno(), b" " * 20)  # nothing stays in a buffer, on which closing would fail
        # The lock is held while any process has the descriptor: we do until we exit, then only the trainer does.
        os.set_inheritable(lock.fileno(), True)
        pid = os.posix_spawn(
            command[0],
            [*command, str(lock.fileno())],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
            setsid=True,  # it outlives the terminal
        )
        lock.write(str(pid))
    return pid


def stop(files: TrainerFiles, wait: Callable[[], object]) -> bool:
    """Makes this machine's trainer checkpoint and exit, calling ``wait`` meanwhile; False if none was running."""
    pid = files.pid()
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    while files.pid() == pid:
        wait()
    return True


def give_way() -> None:
    """Lowers this process and its children to the lowest priority there is."""
    os.nice(19)
    if os.getsid(0) == os.getpid():  # the session is ours: another would stay slow after us
        with contextlib.suppress(OSError):
            # Linux shares cores among sessions first: niceness alone would only yield to processes of our own.
            Path("/proc/self/autogroup").write_text("19")
    if hasattr(os, "SCHED_IDLE"):  # runs on otherwise idle cores; Linux makes its disk access idle as well
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the first to be killed when memory runs out


def train(
    files: TrainerFiles,
    run: Callable[[Stop, float | None, Listener], Tally],
    *,
    probe: Probe,
    policy: PausePolicy,
    listener: Listener,
    budget: float | None = None,
    every: float = INTERVAL,
) -> Tally:
    """Calls ``run`` until it is done, stopped, or ``budget`` seconds have passed; waits while others need the machine.

    Before it waits, runs under way are checkpointed and their workers exit, which frees their memory.
    """
    deadline = None if budget is None else time.time() + budget
    writer = StateWriter(files, policy, listener, deadline)
    tally = Tally(stopped=True)
    yields = False  # whether this call to run was told to stop for others: they may be gone before it has
    with writer.ending(), Stop() as stop:

        def watch() -> None:
            nonlocal yields
            if policy(probe()):
                yields = True
                stop.event.set()
            with contextlib.suppress(StoreError):  # a full disk will stop the training itself
                writer.write("training")

        while stop.signal is None and (deadline is None or time.time() < deadline):
            if policy(probe()):
                writer.write("waiting")
                stop.event.wait(every)
                continue
            yields = False
            with repeated(every, watch):
                tally = run(stop, None if deadline is None else max(0.0, deadline - time.time()), writer)
            if not (tally.stopped and yields):
                break
            stop.event.clear()  # a signal received meanwhile stays in stop.signal
    return tally


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StoreError(
            f"{lock.name} cannot be locked ({error.strerror}), which keeps a second trainer from starting; name "
            "--results on a file system that has locks, or run without --background."
        ) from None
    return True
