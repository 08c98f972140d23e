"""The options of the subcommands, each with its type and its one line of help."""

import argparse
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

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
        self.exit(2, f"repro: {message}; see: {self.prog} --help\n")

    def refuse_unknown(self, words: list[str]) -> NoReturn:
        """Ends with code 2 for words that no option or argument accepts."""
        known = [option for action in self._actions if action.help != argparse.SUPPRESS
                 for option in action.option_strings]  # fmt: skip
        near = nearest(words[0].partition("=")[0], known) if words[0].startswith("-") else ""
        self.error(f"unrecognized arguments: {' '.join(words)}{near}")


def nearest(word: str, known: list[str]) -> str:
    """`` (did you mean …?)`` if a known word is similar; else the known words, if they are few."""
    near = get_close_matches(word, known, n=1)
    if near:
        return f" (did you mean {near[0]}?)"
    return f"; allowed: {', '.join(known)}" if 0 < len(known) <= FEW else ""


def seconds(text: str) -> float:
    """A duration such as 90s, 9m or 1.5h."""
    try:
        return durations.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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


def shared() -> tuple[Parser, ...]:
    """Options of several subcommands: checks, store, training, folder of the report, JSON."""
    which, store, train, report, as_json = (Parser(add_help=False) for _ in range(5))
    which.add_argument("paths", nargs="*", metavar="PATH", help="claim files or folders (default: all claims)")
    which.add_argument(
        "-k",
        dest="keyword",
        type=words,
        default="",
        metavar="WORDS",
        help="only checks whose id matches, as pytest's -k",
    )
    which.add_argument("--data", default=None, help="a named copy to use in place of CIFAR-10, such as cifar10-jpeg")
    select = Parser(add_help=False, parents=[which])
    select.add_argument("--scale", default="smoke", help="smoke (default), pilot or paper")
    store.add_argument("--results", type=folder, default=Path("results"), help="the store of runs (default results)")
    store.add_argument("--data-dir", type=folder, default=Path("data"), help="folder of CIFAR-10 (default data)")
    train.add_argument(
        "--device",
        type=devices,
        default="auto",
        help="auto (default: every GPU, else cpu), cpu, cuda:0 or cuda:0,cuda:1",
    )
    train.add_argument("--workers", type=processes, default=None, help="processes (default: one per core or GPU)")
    train.add_argument("--budget", type=seconds, default=None, metavar="TIME", help="pause after this time, such as 9m")
    report.add_argument("--report", type=folder, default=Path("report"), help="folder of the report (default report)")
    as_json.add_argument("--json", action="store_true", help="print JSON")
    return which, select, store, train, report, as_json


def background(run: argparse.ArgumentParser) -> None:
    """Options of ``run`` for training in the background."""
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


def queue(queued: argparse.ArgumentParser) -> None:
    """Options of ``submit`` and ``retry``."""
    queued.add_argument("--cluster", type=profile, required=True, metavar="NAME", help="profile slurm/NAME.toml")
    queued.add_argument("--max-gpu-hours", type=hours, default=24.0, metavar="H", help="confirm above (default 24)")
    queued.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    queued.add_argument(
        "--if-refused", choices=("cancel", "keep"), default="cancel", help="jobs queued before sbatch refused one"
    )
    queued.add_argument("--any-code", action="store_true", help="continue even if the code changes meanwhile")
    queued.set_defaults(failed=False)
