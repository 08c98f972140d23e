"""What a node sees: a small job checks for the folders and files that the jobs of an order will need."""

import json
import secrets
import shlex
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from repro.cluster import ledger, scheduler
from repro.cluster import snapshot as snapshots
from repro.cluster.avoid import avoided
from repro.cluster.interrupted import cancelled_if_interrupted
from repro.cluster.ledger import FOLDER, Order
from repro.cluster.profile import Profile
from repro.errors import ClusterError, ReproError
from repro.runs.datasets import check_data_present
from repro.runs.files import make_folder, write
from repro.runs.store import Store

PATIENCE = 60.0  # seconds to wait for a node
FIRST = 100  # exit code of the job if the first path is missing


def check(profile: Profile, order: Order, datasets: Collection[str], patience: float = PATIENCE) -> Iterator[str]:
    """Checks that a node sees what jobs will need; yields a line if that could not be checked.

    What a node has seen once is not checked again.

    Raises:
        ClusterError: a path is missing here, or on the node.
        DataError: the data are not in the order's folder.
    """
    needed = _needed(profile, order, datasets)
    for path, what in needed.items():
        if not path.exists():
            raise ClusterError(f"{what} {path} does not exist; correct it before anything is queued.")
    memory = order.results / FOLDER / f"seen-{profile.name}.json"
    seen = set(ledger.read_json(memory).get("seen", []))
    paths = {str(order.results), *map(str, needed)}
    if paths <= seen:
        return
    token = order.results / FOLDER / f".seen-{secrets.token_hex(4)}"
    make_folder(token.parent)
    write(token, b"")
    try:
        # A node at fault takes jobs first, being idle, and would speak for all others.
        avoiding = replace(profile, exclude=avoided(snapshots.read(Store(order.results)), profile))
        answer = _ask_node(avoiding, {token: "the store", **needed}, patience)
    finally:
        token.unlink(missing_ok=True)
    if answer is None:
        yield f"no node was free within {patience:.0f} s to check that it sees {order.results}: queued anyway"
        return
    node, unseen = answer
    if unseen is not None:
        what = needed.get(unseen, "the store")
        shown = order.results if unseen == token else unseen
        raise ClusterError(
            f"node {node} does not see {what} {shown}; nothing was queued. Put it on a file system that all nodes see."
        )
    try:
        write(memory, json.dumps({"seen": sorted(seen | paths)}).encode())
    except ReproError:
        return  # checked again the next time


def _needed(profile: Profile, order: Order, datasets: Collection[str]) -> Mapping[Path, str]:
    """What jobs read, by path, with its name for the user."""
    paths = {Path(path.partition("::")[0]): "the claim file" for path in order.paths}
    forms = {check_data_present(name, order.data_dir) for name in sorted(datasets)}
    if forms - {"bundled", "generated"}:
        paths[order.data_dir] = "the data folder"
    if profile.python is None:
        paths[Path(sys.executable)] = "Python"
    return paths


def _ask_node(profile: Profile, paths: Mapping[Path, str], patience: float) -> tuple[str, Path | None] | None:
    """A node, and the first path that it does not see; None if no node was free."""
    some = list(paths)[: 256 - FIRST]  # as many as exit codes tell apart
    lines = [f"test -e {shlex.quote(str(path))} || exit {FIRST + number}" for number, path in enumerate(some)]
    # A job that the profile holds, or lets begin later, would not run now.
    flags = replace(profile, sbatch={k: v for k, v in profile.sbatch.items() if k not in ("hold", "begin")}).flags()
    try:
        with scheduler.outside_a_job():  # without the user's SBATCH_*, as every job is submitted
            printed = scheduler.ask(
                "sbatch", "--parsable", f"--job-name=repro.look.{secrets.token_hex(3)}", "--output=/dev/null",
                "--chdir=/", "--time=1", *flags, f"--wrap={'; '.join(lines)}",
            )  # fmt: skip
    except ClusterError as error:
        raise ClusterError(f"{error} Nothing was queued.") from None
    job = printed.strip().partition(";")[0]
    until, pause, shown = time.monotonic() + patience, 0.2, None
    with cancelled_if_interrupted(job):
        while time.monotonic() < until:
            shown = scheduler.show(job)
            if shown is None or not shown.live:
                break
            time.sleep(pause)
            pause = min(5.0, 1.5 * pause)
    if shown is None or shown.live:  # no node was free, or the controller does not answer
        with suppress(ClusterError):
            scheduler.cancel([job])
        return None
    code = int(shown.exit_code.partition(":")[0] or 0)
    if shown.state not in ("COMPLETED", "FAILED"):
        return None
    return shown.node, some[code - FIRST] if FIRST <= code < FIRST + len(some) else None
