"""The subcommand verify: train, judge and report in one go."""

import argparse

from repro.cli import judge, shared, train
from repro.cli.output import show, worst


def verify(arguments: argparse.Namespace) -> int:
    """Trains, judges and reports in one go; with --json, stdout holds the verdicts and nothing else."""
    session = shared.to_train(arguments)
    judge.refuse_replacing(arguments, session)
    tally = train.missing(arguments, session)
    if tally.stopped:
        show(train.stopped(tally))
    code = judge.judged(arguments, session)
    judge.rendered(arguments)
    return worst(code, 3 if tally.stopped or tally.left_out else 0)
