"""The command line: a list of subcommands in order of use, and the exit code of each."""

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from repro.cli import local as commands
from repro.cli import options, output
from repro.errors import ReproError

EXIT_CODES = """\
exit codes: 0 done, everything judged holds; 1 a claim does not hold; 2 the suite failed or the command is wrong;
            3 something is still missing or pending"""

# Each subcommand in order of use, with its help; not docstrings, which python -OO removes.
GROUPS = {
    "verify": {"verify": "trains, judges and reports in one go", "doctor": "checks what the suite needs",
               "data": "reads data sets and prints their fingerprints"},
    "train": {"plan": "lists what is to be trained and what it costs", "run": "trains the missing runs",
              "status": "counts the runs by condition"},
    "judge": {"list": "lists the claims with sentence, source and verdict",
              "judge": "judges stored runs into verdicts.json", "report": "renders verdicts.json as HTML and PDF",
              "preregister": "writes the frozen rules of every scale into one dated file",
              "explain": "explains what a check claims, trains, measures and requires"},
    "cluster": {"cluster": "describes a cluster", "submit": "queues the missing runs as SLURM job arrays",
                "retry": "queues failed, killed, cancelled and exhausted runs again",
                "logs": "prints the logs of one run's jobs", "cancel": "cancels the jobs of the selected runs"},
    "move": {"export": "packs runs, finished or paused, into compressed files",
             "import": "adds the runs of exported files to the store"},
    "help": {"help": "shows this list, or the help of a subcommand"},
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; 0 all judged and hold, 1 some do not, 2 the suite failed, 3 something is pending."""
    output.prepare()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        _refuse_deleted_folder()
        try:
            code = _call(words)
        finally:  # also after --help, which ends the program
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        output.say("stopped")
        return 2
    except ReproError as error:
        output.say(str(error))
        return 2
    except BrokenPipeError:
        output.discard(sys.stdout)  # the reader of our output is gone: not our failure
        return 0
    except OSError as error:
        output.say(f"{error.filename or 'the output'} cannot be used: {error.strerror or error}; name another.")
        output.discard(sys.stdout)
        return 2
    return code


def _call(words: list[str]) -> int:
    parser = _parser()
    if words[:1] == ["help"]:
        words = [*(word for word in words if word != "help"), "--help"]
    if not words:
        parser.print_help()
        return 0
    arguments, rest = parser.parse_known_args(words, argparse.Namespace(words=words))
    if rest:
        arguments.parser.refuse_unknown(rest)
    code: int = arguments.command(arguments)
    return code


def _refuse_deleted_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise ReproError("the current folder was deleted; change into another one.") from None


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from repro import __version__
        from repro.provenance import commit

        print(f"repro {__version__}" + (f" (commit {commit()})" if commit() else ""))
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = options.Parser(
        prog="repro",
        usage="repro [-h] [--version] COMMAND ...",
        description="From claim to report: plan, run, judge and print the replication of a paper's claims.",
        epilog=_listing(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", nargs=0, action=_Version, help="show version and commit")
    parser.set_defaults(parser=parser)
    listed = parser.add_subparsers(required=True, metavar="COMMAND", prog="repro", help=argparse.SUPPRESS)
    which, select, store, train, report, as_json = options.shared()
    descriptions = {name: text for group in GROUPS.values() for name, text in group.items()}

    def add(name: str, command: Callable[[argparse.Namespace], int] | None, *parents: options.Parser) -> options.Parser:
        text = descriptions[name]
        added = listed.add_parser(
            name, description=f"{text[0].upper()}{text[1:]}.", parents=list(parents), allow_abbrev=False
        )
        added.set_defaults(command=command, parser=added)
        return added

    add("verify", commands.verify, select, store, train, report, as_json)
    doctor = add("doctor", commands.doctor, store, as_json)
    doctor.add_argument(
        "--cluster",
        type=options.profile,
        default=None,
        metavar="NAME",
        help="check a cluster, and one of its nodes",
    )
    doctor.add_argument("--wait", type=options.seconds, default=300.0, metavar="TIME", help="for the node (default 5m)")
    data = add("data", commands.data, store, as_json)
    data.add_argument("names", nargs="*", metavar="NAME", help="digits, cifar10 or cifar10-jpeg (default digits)")
    plan = add("plan", commands.plan, select, store, as_json)
    plan.add_argument("--all", action="store_true", help="list each run, with its reason and the checks that need it")
    run = add("run", commands.run, select, store, train)
    run.add_argument("--measure", action="store_true", help="also add missing measurements, without training")
    options.background(run)
    add("status", commands.status, select, store, as_json)
    judge = add("judge", commands.judge, select, store, report, as_json)
    again = judge.add_mutually_exclusive_group()
    again.add_argument("--verify", action="store_true", help="recompute every verdict and compare; write nothing")
    again.add_argument("--remeasure", action="store_true", help="measure the stored networks again and compare (torch)")
    again.add_argument(
        "--retrain", metavar="RUN", help="train runs again, by start of key or name, and compare (torch)"
    )
    judge.add_argument("--device", type=options.devices, default="cpu", help="to measure or train on (default cpu)")
    add("list", commands.listing, select, store, report, as_json)
    registered = add("preregister", commands.preregister, which)
    registered.add_argument(
        "--to", type=options.folder, default=None, help="file (default: today's, beside the claims)"
    )
    add("report", commands.report, report)
    explain = add("explain", commands.explain, store)
    explain.add_argument("check", metavar="CHECK", help="id of a check or a claim")
    explain.add_argument("--scale", default="smoke", help="smoke (default), pilot or paper")
    explain.add_argument("--data", default=None, help="a named copy of CIFAR-10 to stand in for it")
    explain.set_defaults(paths=[], keyword="")
    _add_cluster(add("cluster", None), select, store)
    options.queue(add("submit", commands.submit, select, store, report))
    retry = add("retry", commands.retry, select, store, report)
    options.queue(retry)
    retry.add_argument("--failed", action="store_true", help="all failed, killed, cancelled and exhausted runs")
    logs = add("logs", commands.logs, store)
    logs.add_argument("run", metavar="RUN", help="beginning of a run's key or name")
    add("cancel", commands.cancel, select, store)
    export = add("export", commands.export, select, store)
    export.add_argument(
        "--to",
        dest="file",
        type=options.target,
        required=True,
        help="file to write, runs.tar.xz, or a folder for a file a run",
    )
    take = add("import", commands.take_in, store)
    take.add_argument(
        "files",
        nargs="+",
        type=options.folder,
        metavar="FILE",
        help="files that repro export wrote, or folders of them",
    )
    return parser


def _add_cluster(cluster: options.Parser, select: options.Parser, store: options.Parser) -> None:
    kinds = cluster.add_subparsers(required=True, metavar="WHAT")
    init = kinds.add_parser(
        "init", help="writes a first profile, slurm/NAME.toml, from sinfo's output", allow_abbrev=False
    )
    throughput = kinds.add_parser(
        "throughput",
        help="measures on one GPU how many runs of each network should share it",
        parents=[select, store],
        allow_abbrev=False,
    )
    throughput.add_argument(
        "--wait", type=options.seconds, default=3600.0, metavar="TIME", help="for the job (default 1h)"
    )
    throughput.add_argument(
        "--most", type=int, choices=(1, 2, 4, 8), default=8, help="runs that may share a GPU (default 8)"
    )
    for one, command in ((init, commands.init), (throughput, commands.throughput)):
        one.set_defaults(command=command, parser=one)
        one.add_argument("name", type=options.profile, metavar="NAME", help="of the profile slurm/NAME.toml")


def _listing() -> str:
    lines = []
    for title, group in GROUPS.items():
        lines += [f"{title}:", *(f"  {name:<11} {text}" for name, text in group.items()), ""]
    width = max(shutil.get_terminal_size((120, 24)).columns, 20)
    return "\n".join(line[:width] for line in lines) + f"\n{EXIT_CODES}\nNext: repro verify"
