"""The options of the subcommands, each with its type and its one line of help."""

import argparse
import math
import os
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from repro.cli.cluster import init, throughput
from repro.cli.data import check, fetch
from repro.planning import durations

FEW = 5  # words that a message may list


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, with the nearest valid word."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Unlike argparse's own, it reports a full disk, and writes nothing to a closed stream."""
        file = file or sys.stderr
        if message and file is not None:
            file.write(message)
            file.flush()

    def error(self, message: str) -> NoReturn:
        """Ends with code 2."""
        if choice := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", message, flags=re.S):
            words = re.findall(r"[\w-]+", choice[2])
            message = f"{message[: choice.start()]}invalid choice: {choice[1]!r}{nearest(choice[1], words)}"
        message = re.sub(r"ignored explicit argument (.*)", r"it takes no value, and got \1", message, flags=re.S)
        self.exit(2, f"repro: {message}; see: {self.prog} --help\n")

    def refuse_unknown(self, words: list[str]) -> NoReturn:
        """Ends with code 2 for words that no option or argument accepts."""
        known = [option for action in self._actions if action.help != argparse.SUPPRESS
                 for option in action.option_strings]  # fmt: skip
        option = words[0].partition("=")[0]
        if option in known:
            self.error(f"{option} is an option of {self.prog}: write it after that")
        near = nearest(option, known) if option.startswith("-") else ""
        self.error(f"unrecognized arguments: {' '.join(words)}{near}")


def nearest(word: str, known: list[str]) -> str:
    """`` (did you mean …?)`` if a known word is similar; else the known words, if they are few."""
    bare = {one.lstrip("-"): one for one in known}  # two words are not alike for their dashes
    near = get_close_matches(word.lstrip("-").lower(), bare, n=1)
    if near:
        return f" (did you mean {bare[near[0]]}?)"
    return f"; allowed: {', '.join(known)}" if 0 < len(known) <= FEW else ""


def seconds(text: str) -> float:
    """A duration such as 90s, 9m or 1.5h."""
    try:
        return durations.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def size(text: str) -> float:
    """A size such as 500kB or 2MB, in bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(k|M|G)?B", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write one such as 500kB or 2MB")
    return float(found[1]) * {None: 1, "k": 1e3, "M": 1e6, "G": 1e9}[found[2]]


def devices(text: str) -> str:
    """auto, cpu, or one or several GPUs."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?(,cuda:\d+)*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no device; write auto, cpu, cuda, cuda:<index>, or several such as cuda:0,cuda:1"
        )
    return text


def processes(text: str) -> int:
    """A number of worker processes."""
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of worker processes; write 1 or more")
    if int(text) > (most := max(8, 4 * (os.cpu_count() or 1))):
        raise argparse.ArgumentTypeError(f"{text} processes would stall this machine; write at most {most}")
    return int(text)


def hours(text: str) -> float:
    """A number of hours; not NaN, which compares with nothing."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours; write 0 or more, such as 24 or 0.5")
    return float(text)


def profile(text: str) -> str:
    """The name of a profile: a file in slurm/, not a path."""
    if not re.fullmatch(r"\w[\w.-]{0,99}", text, re.ASCII):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a profile; write letters, digits, dots, - and _, such as mine for slurm/mine.toml"
        )
    return text


def percent(text: str) -> float:
    """A percentage above 0."""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", text) or not 0 < float(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; write a number above 0 and up to 100")
    return float(text)


def words(text: str) -> str:
    """The expression of -k; a blank one is a mistake."""
    if text and not text.strip():
        raise argparse.ArgumentTypeError("-k is blank; write words of the ids to select, or leave -k out for all")
    return text


def target(text: str) -> Path:
    """A file to write, or a folder that is there."""
    path = folder(text)
    if text.endswith("/") and not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}; make it, or name a file")
    return path


def folder(text: str) -> Path:
    """A path that is not empty: "" would be the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty; name a file or folder")
    return Path(text)


def add(one: argparse.ArgumentParser, *groups: str) -> None:
    """Gives a subcommand groups of options, in order.

    "claims": paths or ids, and -k; "data" and "select": in place of which data and at which scale; "store"; "train";
    "report": its folder; "json".
    """
    for group in groups:
        match group:
            case "claims":
                one.add_argument(
                    "claims",
                    nargs="*",
                    default=[],
                    metavar="CLAIM",
                    help="ids, claim files or folders (default: all claims)",
                )
                one.add_argument("-k", dest="keyword", type=words, default="", metavar="WORDS",
                                 help="only checks whose id matches, as pytest's -k")  # fmt: skip
            case "data":
                one.add_argument("--data", metavar="NAME", help="a named copy of CIFAR-10, such as cifar10-jpeg")
            case "select":
                add(one, "data")
                one.add_argument("--scale", default="smoke", help="smoke (default), pilot or paper")
            case "store":
                one.add_argument("--results", type=folder, default=Path("results"), metavar="FOLDER",
                                 help="the store of runs (default results)")  # fmt: skip
                one.add_argument("--data-dir", type=folder, default=Path("data"), metavar="FOLDER",
                                 help="of CIFAR-10 (default data)")  # fmt: skip
            case "train":
                one.add_argument("--device", type=devices, default="auto",
                                 help="auto (default: every GPU, else cpu), cpu, cuda:0 or cuda:0,cuda:1")  # fmt: skip
                one.add_argument("--workers", type=processes, metavar="N",
                                 help="processes (default: one per core or GPU)")  # fmt: skip
                one.add_argument("--budget", type=seconds, metavar="TIME", help="pause after this time, such as 9m")
                one.add_argument("--strict", action="store_true",
                                 help="refuse, rather than leave out runs that this machine cannot train")  # fmt: skip
            case "report":
                one.add_argument("--report", type=folder, default=Path("report"), metavar="FOLDER",
                                 help="of the report (default report)")  # fmt: skip
            case "json":
                one.add_argument("--json", action="store_true", help="print one JSON value, and notes on stderr")


def none(_: argparse.ArgumentParser) -> None:
    """No options."""


def examine(doctor: argparse.ArgumentParser) -> None:
    """Options of ``doctor``, for a cluster."""
    doctor.add_argument("--cluster", type=profile, metavar="NAME", help="check a cluster, and one of its nodes")
    doctor.add_argument("--wait", type=seconds, default=300.0, metavar="TIME", help="for the node (default 5m)")


def data_sets(data: argparse.ArgumentParser) -> None:
    """The two kinds of ``data``."""
    kinds = data.add_subparsers(required=True, metavar="WHAT")
    fetched = kinds.add_parser("fetch", help="fetches CIFAR-10, resuming what was cut", allow_abbrev=False)
    fetched.add_argument("archive", metavar="NAME", help="cifar10")
    fetched.add_argument("--mirrors", type=folder, metavar="FILE", help="a list of mirrors in place of the suite's own")
    text = "prints fingerprints of the data sets that are there; exit 3 if CIFAR-10 is not"
    checked = kinds.add_parser("check", help=text, allow_abbrev=False)
    checked.add_argument("names", nargs="*", default=[], metavar="NAME", help="digits, cifar10, … (default: all found)")
    for kind, command in ((fetched, fetch), (checked, check)):
        add(kind, "store", "json")
        kind.set_defaults(command=command, parser=kind)


def measured(bench: argparse.ArgumentParser) -> None:
    """Options of ``bench``."""
    bench.add_argument("--device", type=devices, default="auto", help="to measure, as of run (default auto)")


def every_run(plan: argparse.ArgumentParser) -> None:
    """Options of ``plan``."""
    plan.add_argument("--all", action="store_true", help="list each run, with its reason and its checks")
    plan.add_argument("--on", choices=("cpu", "A100", "H100", "H200"),
                      help="an assumed device to tell costs of (default: this one)")  # fmt: skip
    hours_to_spend(plan)


def hours_to_spend(one: argparse.ArgumentParser) -> None:
    """The option of ``plan``, ``run`` and ``submit`` that buys verdicts."""
    text = "only the cheapest verdicts that so many hours of one device buy, such as 40h"
    one.add_argument("--within", type=seconds, metavar="TIME", help=text)


def background(run: argparse.ArgumentParser) -> None:
    """Options of ``run``, most of them for training in the background."""
    hours_to_spend(run)
    run.add_argument("--measure", action="store_true", help="also add missing measurements, without training")
    run.add_argument("--background", action="store_true", help="train detached from the terminal, yielding to others")
    run.add_argument(
        "--pause-above",
        type=percent,
        default=75.0,
        metavar="PERCENT",
        help="in the background, wait while others keep more of the processor busy (default 75; 100: never wait)",
    )
    what = run.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="show in one line what the background training is doing")
    what.add_argument("--stop", action="store_true", help="checkpoint and end the background training")
    what.add_argument("--detached", type=int, default=None, help=argparse.SUPPRESS)  # its lock


def watching(status: argparse.ArgumentParser) -> None:
    """The option of ``status``."""
    text = "show how far each claim's runs are, again and again, until all are complete or Ctrl-C"
    status.add_argument("--watch", action="store_true", help=text)


def one_run(logs: argparse.ArgumentParser) -> None:
    """The argument of ``logs``."""
    text = "beginning of a run's key or name (default: what failed, and the background trainer)"
    logs.add_argument("run", nargs="?", metavar="RUN", help=text)


def again(judge: argparse.ArgumentParser) -> None:
    """Options of ``judge`` that write nothing."""
    what = judge.add_mutually_exclusive_group()
    what.add_argument("--verify", action="store_true", help="recompute every verdict and compare; write nothing")
    what.add_argument("--remeasure", action="store_true", help="measure the stored networks again and compare (torch)")
    text = "judge the runs also with the code of a commit, and keep in claims/compared.json whether it finds the same"
    what.add_argument("--by", metavar="COMMIT", help=text)
    what.add_argument(
        "--retrain", metavar="RUN", help="train runs again, by beginning of key or name, and compare (torch)"
    )
    judge.add_argument("--device", type=devices, default="cpu", help="to measure or train on (default cpu)")


def work(new: argparse.ArgumentParser) -> None:
    """The argument of ``new``."""
    new.add_argument("work", metavar="WORK", help="its key, by custom first author and year: doe2024")


def registered(preregister: argparse.ArgumentParser) -> None:
    """Options of ``preregister``."""
    text = "file (default: today's, beside the claims)"
    preregister.add_argument("--to", type=folder, metavar="FILE", help=text)


def cluster(one: argparse.ArgumentParser) -> None:
    """The two kinds of ``cluster``."""
    kinds = one.add_subparsers(required=True, metavar="WHAT")
    first = kinds.add_parser(
        "init", help="writes a first profile, slurm/NAME.toml, from sinfo's output", allow_abbrev=False
    )
    measured = kinds.add_parser(
        "throughput", help="measures on one GPU how many runs of each network should share it", allow_abbrev=False
    )
    for kind, command in ((first, init), (measured, throughput)):
        kind.add_argument("name", type=profile, metavar="NAME", help="of the profile slurm/NAME.toml")
        kind.set_defaults(command=command, parser=kind)
    add(first, "json")
    add(measured, "claims", "select", "store", "json")
    measured.add_argument("--wait", type=seconds, default=3600.0, metavar="TIME", help="for the job (default 1h)")
    measured.add_argument(
        "--most", type=int, choices=(1, 2, 4, 8), default=8, help="runs that may share a GPU (default 8)"
    )


def queue(queued: argparse.ArgumentParser) -> None:
    """Options of ``submit`` and ``retry``."""
    queued.add_argument("--cluster", type=profile, required=True, metavar="NAME", help="profile slurm/NAME.toml")
    queued.add_argument("--max-gpu-hours", type=hours, default=24.0, metavar="H", help="confirm above (default 24)")
    queued.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    queued.add_argument(
        "--if-refused", choices=("cancel", "keep"), default="cancel", help="jobs queued before sbatch refused one"
    )
    hours_to_spend(queued)
    queued.add_argument("--any-code", action="store_true", help="continue even if the code changes meanwhile")


def queue_again(retry: argparse.ArgumentParser) -> None:
    """Options of ``retry``."""
    queue(retry)
    retry.add_argument("--failed", action="store_true", help="all failed, killed, cancelled and exhausted runs")


def packed(export: argparse.ArgumentParser) -> None:
    """Options of ``export``."""
    text = "file to write, runs.tar.xz, or a folder for a file a run"
    export.add_argument("--to", dest="file", type=target, required=True, metavar="FILE", help=text)
    text = "leave out the trained tensors of runs that have more, which can then be judged, and not measured again"
    export.add_argument("--tensors-up-to", dest="most", type=size, default=math.inf, metavar="SIZE", help=text)


def packages(take: argparse.ArgumentParser) -> None:
    """The arguments of ``import``."""
    text = "files that repro export wrote, or folders of them"
    take.add_argument("files", nargs="+", type=folder, metavar="FILE", help=text)


def shell(completion: argparse.ArgumentParser) -> None:
    """The argument of ``completion``."""
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")
