"""The command line: a list of subcommands in order of use, and their options."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from repro.cli import local as commands
from repro.errors import ReproError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; 0 all judged and hold, 1 some do not, 2 the harness failed, 3 something is pending."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser().parse_args(words, argparse.Namespace(words=words))
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("repro: stopped", file=sys.stderr)
        return 2
    except ReproError as error:
        print(f"repro: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away: not our failure
        return 0
    return code


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 90s, 9m or 1.5h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; write auto, cpu, cuda or cuda:<index>")
    return text


def _workers(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of worker processes; write 1 or more")
    return int(text)


def _percent(text: str) -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", text) or not 0 < float(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; write a number above 0 and up to 100")
    return float(text)


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"repro: {message}; see: {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _OneLineParser(
        prog="repro", description="Replication of 'Training BatchNorm and Only BatchNorm'."
    )
    listed = parser.add_subparsers(required=True, metavar="COMMAND")
    select, store, train, report, as_json = _shared_options()

    def add(
        name: str, command: Callable[[argparse.Namespace], int], *parents: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        text = (command.__doc__ or "").strip()
        added = listed.add_parser(name, help=text.splitlines()[0], description=text, parents=list(parents))
        added.set_defaults(command=command)
        return added

    add("plan", commands.plan, select, store, as_json)
    run = add("run", commands.run, select, store, train)
    run.add_argument("--measure", action="store_true", help="also measure what finished runs lack, without training")
    _background_options(run)
    for name, command in (("submit", commands.submit), ("retry", commands.retry)):
        queued = add(name, command, select, store, report)
        queued.add_argument("--cluster", required=True, metavar="NAME", help="profile slurm/NAME.toml")
        queued.add_argument("--max-gpu-hours", type=float, default=24.0, metavar="H", help="ask above (default 24)")
        queued.add_argument("--yes", action="store_true", help="do not ask")
        queued.add_argument(
            "--if-refused", choices=("cancel", "keep"), default="cancel", help="what was queued before sbatch refused"
        )
        queued.add_argument("--any-code", action="store_true", help="go on although the code changes meanwhile")
        queued.set_defaults(failed=False)
    queued.add_argument("--failed", action="store_true", help="all that failed, was killed, cancelled or exhausted")
    add("status", commands.status, select, store, as_json)
    logs = add("logs", commands.logs, store)
    logs.add_argument("run", metavar="RUN", help="beginning of a run's key or name")
    add("cancel", commands.cancel, select, store)
    judge = add("judge", commands.judge, select, store, report, as_json)
    judge.add_argument("--verify", action="store_true", help="recompute every verdict and compare; write nothing")
    add("report", commands.report, report)
    add("verify", commands.verify, select, store, train, report, as_json)
    data = add("data", commands.data, store, as_json)
    data.add_argument("names", nargs="*", metavar="NAME", help="digits, cifar10 or cifar10-jpeg (default digits)")
    export = add("export", commands.export, select, store)
    export.add_argument("--to", dest="file", type=Path, required=True, help="file to write, such as runs.tar.xz")
    take = add("import", commands.take_in, store)
    take.add_argument("files", nargs="+", type=Path, metavar="FILE")
    doctor = add("doctor", commands.doctor, store, as_json)
    doctor.add_argument("--cluster", default=None, metavar="NAME", help="look at a cluster, and from one of its nodes")
    doctor.add_argument("--wait", type=_seconds, default=300.0, metavar="TIME", help="for the node (default 5m)")
    cluster = listed.add_parser("cluster", help="Describes a cluster.").add_subparsers(required=True, metavar="WHAT")
    init = cluster.add_parser("init", help=commands.init.__doc__)
    init.set_defaults(command=commands.init)
    pilot = cluster.add_parser("pilot", help=commands.pilot.__doc__, parents=[select, store])
    pilot.add_argument("--wait", type=_seconds, default=3600.0, metavar="TIME", help="for the job (default 1h)")
    pilot.add_argument(
        "--most", type=int, choices=(1, 2, 4, 8), default=8, help="runs that may share a GPU (default 8)"
    )
    pilot.set_defaults(command=commands.pilot)
    for one in (init, pilot):
        one.add_argument("name", metavar="NAME", help="of the profile slurm/NAME.toml")
    explain = add("explain", commands.explain, store)
    explain.add_argument("check", metavar="CHECK", help="id of a check or a claim")
    explain.add_argument("--scale", default="smoke")
    explain.add_argument("--data", default=None)
    explain.set_defaults(paths=[], keyword="")
    return parser


def _background_options(run: argparse.ArgumentParser) -> None:
    run.add_argument("--background", action="store_true", help="train apart from the terminal, giving way to others")
    run.add_argument(
        "--pause-above",
        type=_percent,
        default=75.0,
        metavar="PERCENT",
        help="in the background, wait while others keep more of the processor busy (default 75; 100: never wait)",
    )
    what = run.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="say in one line what the background training does")
    what.add_argument("--stop", action="store_true", help="have the background training checkpoint and end")
    what.add_argument("--detached", type=int, default=None, help=argparse.SUPPRESS)  # the trainer itself: its lock


def _shared_options() -> tuple[argparse.ArgumentParser, ...]:
    select, store, train, report, as_json = (argparse.ArgumentParser(add_help=False) for _ in range(5))
    select.add_argument("paths", nargs="*", metavar="PATH", help="claim files or folders (default: all claims)")
    select.add_argument(
        "-k", dest="keyword", default="", metavar="WORDS", help="only checks whose id matches, as pytest's -k"
    )
    select.add_argument("--scale", default="smoke", help="smoke (default), pilot or paper")
    select.add_argument(
        "--data", default=None, help="a named copy of CIFAR-10 to stand in for it, such as cifar10-jpeg"
    )
    store.add_argument("--results", type=Path, default=Path("results"), help="the store of runs (default results)")
    store.add_argument("--data-dir", type=Path, default=Path("data"), help="where CIFAR-10 lies (default data)")
    train.add_argument("--device", type=_device, default="auto", help="auto (default), cpu, cuda or cuda:<index>")
    train.add_argument("--workers", type=_workers, default=None, help="processes (default: one a core, or one a GPU)")
    train.add_argument("--budget", type=_seconds, default=None, metavar="TIME", help="pause by then, such as 9m")
    report.add_argument("--report", type=Path, default=Path("report"), help="folder of the report (default report)")
    as_json.add_argument("--json", action="store_true", help="print JSON")
    return select, store, train, report, as_json
