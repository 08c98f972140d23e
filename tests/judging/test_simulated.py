"""Known truths through stored runs, ``judge`` and its looks: what is on the edge is not accepted, what is right is."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from repro.check import Check
from repro.claim import LOOKS, Claim, Source
from repro.compare import Ordering, Point, Published, Trend
from repro.judging.claims import claims_table
from repro.judging.judge import judge
from repro.judging.verdict import Verdict
from repro.recipes import SCALES, cifar
from repro.runs.store import Store

REASON = "as simulated"
SD, SEEDS = 0.5, max(LOOKS["paper"])
SETS = ("batchnorm", "shortcut+output", "batchnorm+shortcut+output")
EDGES, RIGHT = 8, 3  # replications of a truth on the edge, and of one that the claim has right


def claim_of(rule, arms, points=1):
    """A claim at the paper's scale; point i is about networks of depth 8 + 6 i."""
    return Claim(
        id="simulated",
        sentence="A sentence.",
        source=Source(work="nobody2021", place="Figure 9", tag="P", reference="82 %"),
        rule=rule,
        grid=dict.fromkeys(SCALES, tuple({"depth": 8 + 6 * point} for point in range(points))),
        runs=lambda scale, seed, depth: {
            f"arm {i}": cifar(scale, seed, depth=depth, trained=SETS[i]) for i in range(arms)
        },
        depends_on=(),
        testable=dict.fromkeys(SCALES, REASON),
    )


def checks_of(claim, function):
    return [
        Check(claim=claim, scale="paper", params=point, file=Path(__file__), function=function, dataset=None)
        for point in claim.grid["paper"]
    ]


@pytest.fixture
def report(tmp_path, finished):
    """Judges one report: trains every seed of every look around the true mean of each point and arm."""
    made = Counter()

    def judged(rng, rule, means, function):
        made["reports"] += 1
        store = Store(tmp_path / str(made["reports"]))
        checks = checks_of(claim_of(rule, len(means[0]), len(means)), function)
        for check, truths in zip(checks, means, strict=True):
            for mean, specs in zip(truths, check.arms(SEEDS).values(), strict=True):
                for spec in specs:
                    finished(store, spec, top1=float(rng.normal(mean, SD)))
        rows = judge(checks, store, seed_by_seed=False)
        return claims_table(rows, checks)[0].verdict

    return judged


def point(rng):
    theirs = rng.normal(82, SD, 5).mean() + rng.uniform(-0.3, 0.3)
    published = Published(value=float(theirs), replicates=5, reading_error=0.3)
    return lambda evidence, depth: evidence.find(sample=evidence.accuracy("arm 0"), reference=published)


def ordering(rng):
    return lambda evidence, depth: evidence.find(higher=evidence.accuracy("arm 0"), lower=evidence.accuracy("arm 1"))


def trend(rng):
    return lambda evidence, depth: evidence.find(samples=[evidence.accuracy(f"arm {i}") for i in range(3)])


RULES = {  # a rule, how a check applies it, true means on its edge, and true means if the source is right
    "point": (Point(margin=2.0, reason=REASON), point, (84.0,), (82.0,)),
    "ordering": (Ordering(gap=2.0, reason=REASON), ordering, (62.0, 60.0), (64.0, 60.0)),
    "trend": (Trend(margin=1.0, reason=REASON), trend, (50.0, 60.0, 59.0), (50.0, 60.0, 70.0)),
}


@pytest.mark.parametrize("name", RULES)
def test_truth_on_the_edge_is_neither_accepted_nor_refused_by_more_than_a_rare_report(report, name):
    """With 5 % each way, two of eight reports are a chance of 6 %; a rule without an interval accepts four."""
    rule, applied, edge, _ = RULES[name]
    rng = np.random.default_rng(0)
    words = Counter(report(rng, rule, (edge,), applied(rng)) for _ in range(EDGES))
    assert words[Verdict.REPRODUCED] <= 1
    assert words[Verdict.NOT_REPRODUCED] + words[Verdict.PARTIAL] <= 1
    assert words.total() == EDGES


@pytest.mark.parametrize("name", RULES)
def test_right_source_is_reproduced(report, name):
    rule, applied, _, right = RULES[name]
    rng = np.random.default_rng(1)
    assert {report(rng, rule, (right,), applied(rng)) for _ in range(RIGHT)} == {Verdict.REPRODUCED}


def test_grid_with_one_point_truly_reversed_is_not_reproduced(report):
    """It stayed INCONCLUSIVE for ever when a point stopped at its own level instead of its claim's."""
    rng = np.random.default_rng(2)
    means = [(62.0, 60.0)] * 6 + [(60.0, 62.0)]
    assert report(rng, Ordering(gap=0.0, reason=REASON), means, ordering(rng)) is Verdict.NOT_REPRODUCED
