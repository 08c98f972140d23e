"""What is wrong with a stored run as evidence, found without torch: it contradicts itself, its spec or its seed."""

import math
from collections.abc import Iterable, Mapping, Sequence

from repro.errors import StoreError
from repro.judging.shapes import expected
from repro.runs.datasets import DATASETS
from repro.runs.drawn import named_fingerprints
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec import RunSpec
from repro.runs.store import HISTORY, TENSORS, Run
from repro.runs.ticket_spec import TicketSpec

# Test examples that may fall on another side when the final network is evaluated again: none on a CPU, while on other
# devices a kernel chosen anew can round otherwise.
MOVED = 5


def refuse_contradictions(
    arms: Mapping[str, Sequence[Run]], *, thorough: bool, sound: set[tuple[str, str]] | None = None
) -> None:
    """Refuses runs that contradict themselves, each other, or their spec; ``thorough`` reads every file of them.

    ``sound`` keeps key and ``sha256`` of runs that do not: those are not read again.

    Raises:
        StoreError: a run does, and is named with what was found.
    """
    sound = set() if sound is None else sound
    for run in {run.spec.key: run for runs in arms.values() for run in runs}.values():
        mark = run.spec.key, run.sha256  # a record copied into the folder of another run is not that run's
        if mark in sound:
            continue
        fault = contradiction(run)
        if not fault and thorough:
            run.check()
            fault = (_tensors(run) or _small_gamma(run)) if run.has_tensors else ""
        if fault:
            raise StoreError(f"{run.folder} ({run.spec.name}): {fault}. Delete it and train it again.")
        sound.add(mark)
    for arm, runs in arms.items():
        _refuse_copies(arm, runs)


def contradiction(run: Run) -> str:
    """How outcome, history and accuracy of a run contradict each other; "" where they agree."""
    spec, outcome, rows = run.spec, run.record["outcome"], run.history
    if not spec.rows:
        return "" if outcome == "built" and not rows else f"nothing is trained, but its outcome is {outcome!r}"
    try:
        counted = [row[spec.row_name] for row in rows]
        ended = rows[-1]["train_loss"] if rows else None
        last = float(rows[-1]["test_top1"]) if rows else math.nan
        found = run.measurement("accuracy")
        unit = DATASETS[spec.dataset].unit
        measured, seen = found["top1"], found[unit]
    except (KeyError, TypeError, ValueError) as error:
        return f"its {HISTORY} or accuracy lacks {error}"
    if counted != list(range(1, len(counted) + 1)):
        return f"its {HISTORY} has the {spec.row_name}s {counted[:3]}… instead of 1, 2, 3 …"
    whole = "diverged" if ended is None else "trained"
    if outcome != whole or (outcome == "trained" and len(rows) != spec.rows):
        return (
            f"its outcome is {outcome!r}, but its {HISTORY} shows {len(rows)} of {spec.rows} {spec.row_name}s, {whole}"
        )
    if seen != DATASETS[spec.dataset].test_size:
        return f"its accuracy is over {seen} {unit}, but {spec.dataset} has {DATASETS[spec.dataset].test_size}"
    allowed = 0.0 if run.record["parts"][-1]["device_type"] == "cpu" else 100 * MOVED / seen
    if not math.isclose(measured, last, rel_tol=0, abs_tol=allowed + 1e-9):
        return f"its accuracy is {measured} %, but the last row of its {HISTORY} has {last} %"
    five = [value for value in (found.get("top5"), rows[-1].get("test_top5")) if value is not None]
    if len(five) == 2 and not math.isclose(five[0], five[1], rel_tol=0, abs_tol=allowed + 1e-9):
        return f"its top-5 accuracy is {five[0]} %, but the last row of its {HISTORY} has {five[1]} %"
    return _retrains(run, allowed) if isinstance(spec, TicketSpec) and whole == "trained" else ""


def _retrains(run: Run, allowed: float) -> str:
    """How the retrains that a ticket keeps contradict its history; "" where they agree."""
    spec = run.spec
    assert isinstance(spec, TicketSpec)
    found = run.measurement("tickets")["top1"]
    if set(found) != set(spec.keeps):
        return f"it measures the retrains {sorted(found)}, and keeps {sorted(spec.keeps)}"
    for label, measured in found.items():
        row = run.history[spec.place(label)]["test_top1"]
        if not math.isclose(measured, row, rel_tol=0, abs_tol=allowed + 1e-9):
            return f"{label} is measured as {measured} %, but its {HISTORY} has {row} %"
    return ""


def broken_controls(runs: Iterable[Run]) -> list[str]:
    """In which runs a frozen tensor or pruned weight moved, or other data were read than named, one sentence each.

    Of a data set whose fingerprint nobody has read, all runs must have read the same.
    """
    found, first = [], dict[tuple[str, str], str]()
    for run in runs:
        if not run.spec.rows:
            continue
        if run.record["frozen_before"] != run.record["frozen_after"]:
            found.append(f"frozen tensors of {run.spec.name} are not what they were before training.")
        moved = sum(row["moved"] for row in run.history) if isinstance(run.spec, TicketSpec) else 0
        if moved:
            found.append(f"{moved} pruned weights of {run.spec.name} are not 0.")
        for name, (dataset, split) in run.spec.fingerprinted.items():
            read = run.record["data"].get(name, "nothing")
            named, whose = named_fingerprints(dataset, run.spec.seed).get(split), f"{dataset} has"
            if named is None:
                named, whose = first.setdefault((dataset, split), read), "another run read"
            if read != named:
                found.append(
                    f"{run.spec.name} read {split} {DATASETS[dataset].unit} of fingerprint {read[:12]}…, and "
                    f"{whose} {named[:12]}…"
                )
    return found


def _refuse_copies(arm: str, runs: Sequence[Run]) -> None:
    """Two seeds of an arm must not share tensors, losses or frozen weights: one would be counted twice.

    Of a run that diverged, tensors are not compared, which may all be no numbers, nor losses where it has none.
    """
    seen: dict[tuple[str, object], RunSpec] = {}
    for run in runs:
        if not run.spec.rows:
            continue
        losses = tuple((row.get("train_loss"), row.get("test_loss"), row["test_top1"]) for row in run.history)
        diverged = run.record["outcome"] == "diverged"
        prints: list[tuple[str, object]] = [] if diverged else [("tensors", run.record["files"][TENSORS])]
        if not diverged or any(train is not None or test is not None for train, test, _ in losses):
            prints.append(("losses", losses))
        if _freezes_weights(run.spec):
            prints.append(("frozen weights", run.record["frozen_before"]))
        for kind, value in prints:
            other = seen.setdefault((kind, value), run.spec)
            if other.seed != run.spec.seed:
                raise StoreError(
                    f"{run.folder} ({run.spec.name}): its {kind} equal those of seed {other.seed} in arm {arm!r}. "
                    "Delete the one that was copied and train it again."
                )


def _freezes_weights(spec: RunSpec) -> bool:
    """Whether what is frozen follows the seed; elsewhere it may be the same for all, or nothing."""
    return isinstance(spec, NetworkSpec) and spec.trained not in ("all", "all-but-batchnorm")


def _small_gamma(run: Run) -> str:
    """How the share of small γ that was measured differs from that of the stored γ; "" where it is one of 1/count."""
    import numpy as np
    from safetensors import safe_open

    if "measurements/affine.json" not in run.record["files"] or getattr(run.spec, "norm", "") != "batchnorm":
        return ""
    with safe_open(run.folder / TENSORS, framework="numpy") as file:
        weights = [file.get_tensor(name) for name in list(file.keys()) if name.endswith(".weight")]
    gamma = np.abs(np.concatenate([[], *(one for one in weights if one.ndim == 1)]).astype(np.float32))
    found = run.measurement("affine")
    if len(gamma) != found["count"]:  # they were not trained, or measured over other layers
        return ""
    for threshold, share in zip(found["thresholds"], found["share_below"], strict=True):
        ours = float((gamma < np.float32(threshold)).mean())
        if abs(ours - share) > 1.5 / len(gamma):
            return f"a share of {share:.4f} of its |γ| is measured below {threshold}, but its {TENSORS} has {ours:.4f}"
    return ""


def _tensors(run: Run) -> str:
    """How the stored tensors differ from what the spec trains, in names, shapes or type; "" where they agree."""
    import numpy as np
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(run.folder / TENSORS, framework="numpy") as file:
            names = list(file.keys())
            found = {name: tuple(file.get_slice(name).get_shape()) for name in names}
            types = {name: file.get_slice(name).get_dtype() for name in names}
            broken = [name for name in names if types[name] == "F32" and not np.isfinite(file.get_tensor(name)).all()]
    except (SafetensorError, OSError) as error:
        return f"{TENSORS} cannot be read ({error})"
    wanted = expected(run.spec)
    wrong = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if wrong:
        first = wrong[0]
        return (
            f"{TENSORS} holds {first} as {found.get(first, 'nothing')}, but the spec asks for "
            f"{wanted.get(first, 'nothing')} ({len(wrong)} differ)"
        )
    other = sorted(name for name in names if types[name] != "F32")
    if other:
        return f"{TENSORS} holds {other[0]} as {types[other[0]]}, and a run keeps float32 ({len(other)} differ)"
    if broken and run.record["outcome"] == "trained":
        return f"{TENSORS} holds values of {broken[0]} that are not numbers, but its outcome is 'trained'"
    return ""
