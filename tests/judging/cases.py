"""Simple checks: arms, check functions, rules and accuracies whose verdicts are known."""

import copy
import dataclasses

from repro.claim import LOOKS
from repro.compare import Exact, Finding, Ordering, Outcome, Point, Published
from repro.judging.judge import judge_check
from repro.judging.verdict import Verdict
from repro.recipes import cifar
from repro.runs.store import Store
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
