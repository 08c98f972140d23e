"""Simple checks: arms, check functions, rules and accuracies whose verdicts are known."""

import copy
import dataclasses
import json

from repro.claim import LOOKS
from repro.compare import Exact, Finding, Ordering, Outcome, Point, Published
from repro.judging.judge import judge_check
from repro.judging.verdict import Verdict
from repro.recipes import boosting, cifar, ticket
from repro.runs.store import HISTORY, Store
from tests.made import check_of, finished

REASON = "a reason"
POINT = Point(margin=1.0, reason=REASON)
ORDERING = Ordering(gap=2.0, reason=REASON)
EXACT = Exact(reason=REASON)
ON, FAR, EDGE = (81.9, 82.0, 82.1), (69.9, 70.0, 70.1), (82.9, 83.0, 83.1)  # of 82 ± 1
BARELY = (83.23, 83.33, 83.43)  # ruled out with p = 0.015, which one look of three allows and two of them do not
FOUR_WORDS = {Verdict.REPRODUCED, Verdict.PARTIAL, Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE}


def value(number):
    """A published value that is known without error, so that the edges lie where the margin says."""
    return Published(value=number, sd=0.0, replicates=5, reading_error=0.0)


def one_arm(scale, seed, **params):
    return {"batchnorm": cifar(scale, seed, depth=14)}


def one_depth(scale, seed, depth):
    return {"batchnorm": cifar(scale, seed, depth=depth)}


def two_arms(scale, seed):
    return {"batchnorm": cifar(scale, seed, depth=14), "output": cifar(scale, seed, depth=14, trained="output")}


def in_bfloat16(scale, seed):
    return {"batchnorm": dataclasses.replace(cifar(scale, seed, depth=14), precision="bfloat16")}


def no_runs(scale, seed):
    return {}


def near_82(evidence, **params):
    evidence.find(sample=evidence.accuracy("batchnorm"), reference=value(82.0))


def above_output(evidence):
    evidence.find(higher=evidence.accuracy("batchnorm"), lower=evidence.accuracy("output"))


def only_measured(evidence):
    evidence.find(sample=evidence.accuracy("batchnorm"))


def is_equal(evidence):
    evidence.runs("batchnorm")
    evidence.find(label="count", measured=1, reference=1)


def is_not_equal(evidence):
    evidence.runs("batchnorm")
    evidence.find(label="count", measured=1, reference=2)


def passes_without_runs(evidence):
    evidence.find(label="known", measured=1, reference=1)


def fails_without_runs(evidence):
    evidence.find(label="known", measured=1, reference=2)


def store_run(store: Store, spec, top1, **fields):
    """A complete run with a known accuracy on all its test images."""
    return finished(store, spec, top1=top1, **fields)


def rewritten(store, run, rows):
    """A run with another history, hashed again."""
    (run.folder / HISTORY).write_text("".join(json.dumps(row) + "\n" for row in rows))
    store.finish(run.spec, {name: value for name, value in run.record.items() if name != "files"})
    return store.run(run.spec)


def pruned(store, *, moved=(0, 0, 0), measured=None):
    """A ticket of three retrains at 90, 70 and 50 %, of which the first and the last are kept and ``measured``."""
    levels = {"levels": 3, "retrains": (1, 2, 3), "kept": (1, 3), "tested_level": 3}
    spec = dataclasses.replace(ticket(0, "random"), hidden=5, **levels)
    top1 = {"retrain 1": 90.0, "retrain 3": 50.0} if measured is None else measured
    tickets = {
        "top1": top1,
        "left": dict.fromkeys(top1, 0.5),
        "moved": dict.fromkeys(top1, 0),
        **{name: {label: [0.3, 0.2, 0.1] for label in top1} for name in ("beside", "beside_by_chance")},
    }
    found = {"accuracy": {"top1": 50.0, "examples": 1000}, "tickets": tickets}
    run = finished(store, spec, measurements=found, part={"from_retrain": 0}, examples_per_second=5000.0)
    rows = zip((90.0, 70.0, 50.0), moved, strict=True)
    return rewritten(
        store,
        run,
        [
            {"retrain": place, "train_loss": 0.4, "test_top1": top1, "pruned": 9, "moved": count}
            for place, (top1, count) in enumerate(rows, 1)
        ],
    )


def boosted(store, *, seed, data):
    """A stump on examples of its seed that read ``data``, by split."""
    return finished(
        store, boosting("smoke", seed, "tree"), data=data, part={"from_evaluation": 0}, examples_per_second=5000.0
    )


def train(store, check, values, *, arm="batchnorm", **record):
    """One complete run a seed, trained after the check's rule was written."""
    record = {"criteria": {f"{check.scale}:{check.id}": check.criterion_sha256}, **record}
    for spec, top1 in zip(check.arms(len(values))[arm], values, strict=True):
        store_run(store, spec, top1, **record)


def verdict_of(store, check, values, **record):
    train(store, check, values, **record)
    return judge_check(check, store, {})


def five(values):
    return (*values, 83.0, 83.0)


def changed_at(made, path, value):
    made = copy.deepcopy(made)
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return made


def arms(scale, seed):
    return {"BatchNorm": cifar(scale, seed, depth=8)}


def above_half(evidence):
    evidence.find(higher=evidence.accuracy("BatchNorm"), lower=50.0)


def finding(outcome=Outcome.ESTABLISHED, **fields):
    return Finding(label="x", expected="1", measured="2", outcome=outcome, why=f"It is {outcome}.", **fields)


PAPER = check_of(arms, above_half, scale="paper", looks=LOOKS)


SMOKE = check_of(arms, above_half)
