"""The parser: a list of subcommands in order of use, with their options and the meaning of their exit codes."""

import argparse
import shutil
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from repro.cli import (
    bench,
    claims,
    cluster,
    completion,
    data,
    doctor,
    judge,
    logs,
    move,
    options,
    reporting,
    submit,
    train,
    verify,
)
from repro.cli.parsing import Parser

FAILED = "a run or the suite failed, the command is wrong, or it was interrupted"
EXIT_CODES = {
    0: "done; nothing judged speaks against a claim",
    1: "a claim does not hold",
    2: FAILED,
    3: "something is still missing or pending",
}
HELP = "shows this list, or the help of a subcommand"


@dataclass(frozen=True, kw_only=True)
class Subcommand:
    """One subcommand."""

    name: str
    help: str  # not a docstring, which python -OO removes
    call: Callable[[argparse.Namespace], int]
    groups: tuple[str, ...] = ()  # of options, as ``options.add`` knows them
    more: Callable[[argparse.ArgumentParser], None] = options.none  # its own options
    codes: Mapping[int, str] = field(default_factory=dict)  # what its exit codes mean, if not done (0) or failed (2)


CLAIMS = ("claims", "select", "store", "json")
TRAINING = ("claims", "select", "store", "images", "json")  # of commands that look at the data sets as well
GROUPS = {
    "verify": (
        Subcommand(name="verify", help="trains, judges and reports in one go", call=verify.verify,
                   groups=(*TRAINING, "train", "report"),
                   codes={0: "nothing judged speaks against a claim", 1: EXIT_CODES[1],
                          3: "a verdict is pending, or training was stopped"}),
        Subcommand(name="doctor", help="checks what the suite needs", call=doctor.doctor,
                   groups=("store", "images", "json"), more=options.examine),
        Subcommand(name="data", help="fetches CIFAR-10, and checks the data sets that are there", call=data.check,
                   more=options.data_sets,
                   codes={0: "fetched, or all data read match their fingerprints", 3: "no CIFAR-10 is there"}),
    ),
    "train": (
        Subcommand(name="plan", help="lists what is to be trained and what it costs", call=train.plan, groups=TRAINING,
                   more=options.every_run),
        Subcommand(name="bench", help="measures this device for a minute, so that cost estimates fit it",
                   call=bench.bench, groups=("store", "json"), more=options.measured),
        Subcommand(name="run", help="trains the missing runs", call=train.run, groups=(*TRAINING, "train"),
                   more=options.background,
                   codes={0: "every run is complete, or background training was started",
                          3: "stopped before that, by Ctrl-C or --budget, and the same command resumes; or "
                             "some cannot be trained here"}),
        Subcommand(name="status", help="counts the runs by state", call=train.status, groups=TRAINING,
                   more=options.watching,
                   codes={0: "every run is complete", 3: "some are missing or under way"}),
        Subcommand(name="logs", help="prints what is known about a run: its crash, its jobs and their logs",
                   call=logs.logs, groups=("store", "json"), more=options.one_run),
    ),
    "claims": (
        Subcommand(name="new", help="writes a first claim of another paper, with its source", call=claims.new,
                   groups=("json",), more=options.work),
        Subcommand(name="list", help="lists the claims with sentence, source and verdict", call=claims.listing,
                   groups=("claims", "select", "report", "json")),
    ),
    "judge": (
        Subcommand(name="judge", help="judges stored runs into verdicts.json", call=judge.judge,
                   groups=(*TRAINING, "report"), more=options.again,
                   codes={0: "nothing judged speaks against a claim; with an option that compares: all is equal",
                          1: EXIT_CODES[1], 3: "a verdict is pending, or there is nothing to compare"}),
        Subcommand(name="report", help="renders verdicts.json as HTML and PDF", call=judge.report,
                   groups=("report", "json"), more=reporting.options,
                   codes={0: "written or compared", 3: "with --results: a verdict is STALE, as runs have changed"}),
        Subcommand(name="preregister", help="writes the frozen rules of every scale into one dated file",
                   call=claims.preregister, groups=("claims", "data", "json"), more=options.registered),
        Subcommand(name="explain", help="explains claims: what is trained, measured, required", call=claims.explain,
                   groups=("some claims", *CLAIMS[1:])),
    ),
    "cluster": (
        Subcommand(name="cluster", help="describes a cluster", call=cluster.init, more=options.cluster),
        Subcommand(name="submit", help="queues the missing runs as SLURM job arrays", call=submit.submit,
                   groups=(*TRAINING, "report"), more=options.queue),
        Subcommand(name="retry", help="queues failed, killed, cancelled and exhausted runs again", call=submit.retry,
                   groups=(*TRAINING, "report"), more=options.queue_again),
        Subcommand(name="cancel", help="cancels the jobs of the selected runs", call=cluster.cancel, groups=CLAIMS),
    ),
    "move": (
        Subcommand(name="export", help="packs runs, finished or paused, into compressed files", call=move.export,
                   groups=CLAIMS, more=options.packed),
        Subcommand(name="import", help="adds the runs of exported files to the store", call=move.take_in,
                   groups=("store", "json"), more=options.packages),
    ),
    "help": (
        Subcommand(name="completion", help="prints a script that completes words in a shell", call=completion.show,
                   more=options.shell),
    ),
}  # fmt: skip


def parser() -> Parser:
    """The parser of the whole command line."""
    made = Parser(
        prog="repro",
        usage="repro [-h] [--version] COMMAND ...",
        description=_wrap("From claim to report: plan, train, judge and report a paper's replication."),
        epilog=_listing(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--version", nargs=0, action=_Version, help="show version and commit")
    made.set_defaults(parser=made)
    listed = made.add_subparsers(metavar="COMMAND", prog="repro", help=argparse.SUPPRESS)
    for one in (one for group in GROUPS.values() for one in group):
        added = listed.add_parser(
            one.name,
            help=one.help,
            description=f"{one.help[0].upper()}{one.help[1:]}.",
            epilog=_codes({0: "done", 2: FAILED, **one.codes}),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        added.set_defaults(command=one.call, parser=added)
        options.add(added, *one.groups)
        one.more(added)
    return made


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from repro import __version__
        from repro.provenance import commit

        print(f"repro {__version__}" + (f" (commit {commit()})" if commit() else ""))
        parser.exit()


def _codes(meanings: Mapping[int, str]) -> str:
    return "exit codes:\n" + "\n".join(_entry(str(code), meanings[code], 3) for code in sorted(meanings))


def _listing() -> str:
    lines = []
    for title, group in GROUPS.items():
        helps = {one.name: one.help for one in group} | ({"help": HELP} if title == "help" else {})
        lines += [f"{title}:", *(_entry(name, text, 11) for name, text in helps.items()), ""]
    return "\n".join([*lines, _codes(EXIT_CODES), "", "Next: repro verify"])


def _entry(word: str, text: str, width: int) -> str:
    """A word and what it stands for, wrapped at words like argparse's own entries."""
    return _wrap(f"  {word:<{width}} {text}", width + 3)


def _wrap(text: str, indent: int = 0) -> str:
    columns = max(shutil.get_terminal_size().columns - 2, 30 + indent)
    return textwrap.fill(text, columns, subsequent_indent=" " * indent)
