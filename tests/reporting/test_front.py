"""The first page: an answer whose counts add up."""

import pytest

from repro.judging.verdict import CODE_ALIKE, PROVISIONAL, RULE_LATE
from repro.planning.quantities import counted
from repro.reporting.front import answer, beside, for_controls, fragile
from repro.reporting.protocols import protocols, standings

PAPER = {"scale": "paper", "works": [], "judgements": [], "scales": [{"scale": "paper", "runs": 9, "complete": 9}]}


def claims(*words, exact=(), withheld=(), unselected=(), marks=()):
    return [{"chip": {"word": word, "marks": list(marks) if at not in exact else []}, "same_as": None,
             "exact_claim": at in exact, "withheld": at in withheld,
             "unselected": int(at in unselected), "primary": False}
            for at, word in enumerate(words)]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (claims("REPRODUCED", "REPRODUCED", exact=[0]), "2 reproduced (1 of them by exact counts)."),
        (claims("REPRODUCED", "INCONCLUSIVE", exact=[0]), "1 reproduced by exact counts, 1 inconclusive."),
        (claims("REPRODUCED", "REPRODUCED", "INCONCLUSIVE", "PENDING", exact=[0], marks=[PROVISIONAL, CODE_ALIKE]),
         "2 reproduced (1 of them by exact counts, 1 provisional), 1 inconclusive (provisional), 1 waiting for runs."),
        (claims("REPRODUCED", "REPRODUCED", marks=[PROVISIONAL]), "2 reproduced (all provisional)."),
        (claims("PENDING", "PAPER_ERROR", "MEASURED"),
         "1 in which the source contradicts its own arithmetic, 1 measured only, 1 waiting for runs."),
        (claims("PENDING", "PENDING", withheld=[1]), "1 waiting for runs, 1 withheld for their precision."),
        (claims("MEASURED", "PENDING", unselected=[1]), "1 measured only, 1 with points that were not selected."),
    ],
)  # fmt: skip
def test_the_answer_counts_every_claim_and_says_which_needed_no_training(own, said):
    assert answer(PAPER, own) == f"Of {counted(len(own), 'claim')}, at the source’s own scale: {said}"


def test_the_answer_says_how_many_of_the_main_claims_are_decided_whole():
    waits, whole = claims("PENDING", "PENDING"), claims("REPRODUCED")
    mains = [{**one, "primary": True} for one in (*whole, *waits)]
    assert answer(PAPER, mains).endswith(" Of the 3 main claims, 1 is decided at all points.")
    assert answer(PAPER, [*whole, *mains[1:]]).endswith(" Of the 2 main claims, none is decided at all points.")
    assert "main" not in answer(PAPER, [*mains[:1], *waits])


def test_claims_that_hinge_on_one_seed_are_named():
    def row(claim, verdict, *without, answer="none"):
        return {"claim": claim, "verdict": verdict, "answer": answer, "without_seed": without}

    rows = [row("a", "REPRODUCED", "REPRODUCED", "REPRODUCED"), row("b", "REPRODUCED", "REPRODUCED", "INCONCLUSIVE"),
            row("c", "SMOKE", "seen", "open", answer="seen"), row("d", "PENDING")]  # fmt: skip
    known = [{"id": name, "same_as": None} for name in "abcd"]
    assert fragile(known, rows) == ["b", "c"]


def test_networks_that_were_only_evaluated_and_copies_of_data_are_told():
    runs = [{"name": f"{network} {trained}", "outcome": "trained", "claims": ["a"], "seconds": 1.0,
             "spec": {"trained": trained, "dataset": "cifar10-jpeg", "epochs": 1, "seed": 0}}
            for network, trained in (("resnet-14", "batchnorm"), ("resnet-14", "none"), ("resnet-32", "none"))
            ]  # fmt: skip
    work = {"key": "w", "short": "W", "companion_to": "", "protocol": {"data": "CIFAR-10"}}
    (row,) = beside({"claims": [{"claim": "a", "work": "w"}], "works": [work], "runs": runs, "waiting": []})
    own = dict(row["rows"][0][1])
    assert own["networks"] == "ResNet-14; untrained alone: ResNet-32"
    assert own["data"] == "CIFAR-10 re-encoded as JPEG (quality about 75)"


def test_settings_are_counted_once_each_and_a_mixture_is_not_the_same():
    rows = [{"name": name, "here": "", "standing": standing} for name, standing in
            (("a", "same"), ("b", "guess"), ("c", "same in 1 of 2 runs"), ("d", ""), ("e", "deviation"))]  # fmt: skip
    assert standings(rows) == (
        "5 settings. Same: 1; guesses: 1; one or the other by run: 1; not trained at this scale: 1; deviations: 1 (e)."
    )
    (work,) = protocols([{"settings": rows, "columns": ["a", "b"]}])
    assert [row["shape"] for row in work["settings"]] == ["holds", "undecided", "partial", "partial", "differs"]


def test_runs_that_decide_nothing_yet_are_not_said_to_test_the_paper():
    made = {**PAPER, "scales": [{"scale": "paper", "runs": 426, "complete": 3, "untrained": 1}]}
    waits = claims("REPRODUCED", "PENDING", "PAPER_ERROR", exact=[0, 2])
    assert answer(made, waits).endswith(
        "neither confirmed nor refuted by this report: its store holds 3 of the 426 runs that the source’s own "
        "protocol has called for so far; 1 of those 3 is of untrained networks."
    )
    made["scales"][0]["untrained"] = 3
    assert answer(made, waits).endswith(
        "holds 3 of the 426 runs that the source’s own protocol has called for so far; all are of untrained networks."
    )
    assert answer(made, [*waits, *claims("INCONCLUSIVE")]).startswith("Of 4 claims")


def test_points_that_are_judged_while_others_wait_are_counted_without_exact_ones_and_controls():
    def row(verdict, kind="P", work="frankle2021", marks=()):
        return {"verdict": verdict, "marks": marks, "criterion": {"rule": {"kind": kind}, "source": {"work": work}}}

    provisional = (PROVISIONAL, RULE_LATE, CODE_ALIKE)
    rows = [row("INCONCLUSIVE"), row("REPRODUCED", marks=provisional), row("PENDING"), row("MEASURED", "M"),
            row("REPRODUCED", "X"), row("REPRODUCED", work="control")]  # fmt: skip
    made = {**PAPER, "judgements": rows, "scales": [{"scale": "paper", "runs": 426, "complete": 9, "untrained": 6}]}
    assert answer(made, claims("PENDING", "PENDING")) == (
        "The published results of training are tested only in part by this report: its store holds 9 of the 426 runs "
        "that the source’s own protocol has called for so far; 6 of those 9 are of untrained networks; of grid points "
        "so far, 1 reproduced (provisional, rule not on record with its runs), 1 inconclusive."
    )


def test_runs_for_controls_alone_are_counted_and_those_only_built_are_not():
    def run(*ids, outcome="trained"):
        return {"outcome": outcome, "claims": ids}

    works = [{"claim": "a", "work": "one"}, {"claim": "b", "work": "two"}, {"claim": "c", "work": "control"}]
    runs = [run("a"), run("b", "c"), run("c"), run("c", outcome="built")]
    assert for_controls({"claims": works, "runs": runs, "waiting": [run("c")]}) == 2
