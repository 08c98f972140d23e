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
    """A parser whose refusals are one line, with the nearest word that would have been taken."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Unlike argparse's own, it lets a full disk be seen, and writes nothing to a stream that is closed."""
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
        """Ends with code 2 for words that no option or argument takes."""
        known = [option for action in self._actions if action.help != argparse.SUPPRESS
                 for option in action.option_strings]  # fmt: skip
        near = nearest(words[0].partition("=")[0], known) if words[0].startswith("-") else ""
        self.error(f"unrecognized arguments: {' '.join(words)}{near}")


def nearest(word: str, known: list[str]) -> str:
    """`` (did you mean …?)`` where something known is like the word; else what is known, if that is little."""
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
    """A number of hours that a comparison can be made with: NaN is above nothing."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours; write 0 or more, such as 24 or 0.5")
    return float(text)


def profile(text: str) -> str:
    """The name of a profile, which is a file of slurm/ and in no other folder."""
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
    """What -k selects by; blank selects nothing, and so is a slip."""
    if text and not text.strip():
        raise argparse.ArgumentTypeError("-k is blank; write words of the ids to select, or leave -k out for all")
    return text


def folder(text: str) -> Path:
    """A path that is not empty: "" would be the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty; name a file or folder")
    return Path(text)


def shared() -> tuple[Parser, ...]:
    """What several subcommands take: which checks, which store, how to train, where the report lies, JSON."""
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
    which.add_argument("--data", default=None, help="a named copy of CIFAR-10 to stand in for it, such as cifar10-jpeg")
    select = Parser(add_help=False, parents=[which])
    select.add_argument("--scale", default="smoke", help="smoke (default), pilot or paper")
    store.add_argument("--results", type=folder, default=Path("results"), help="the store of runs (default results)")
    store.add_argument("--data-dir", type=folder, default=Path("data"), help="where CIFAR-10 lies (default data)")
    train.add_argument(
        "--device",
        type=devices,
        default="auto",
        help="auto (default: every GPU, else cpu), cpu, cuda:0 or cuda:0,cuda:1",
    )
    train.add_argument("--workers", type=processes, default=None, help="processes (default: one a core, or one a GPU)")
    train.add_argument("--budget", type=seconds, default=None, metavar="TIME", help="pause by then, such as 9m")
    report.add_argument("--report", type=folder, default=Path("report"), help="folder of the report (default report)")
    as_json.add_argument("--json", action="store_true", help="print JSON")
    return which, select, store, train, report, as_json


def background(run: argparse.ArgumentParser) -> None:
    """What ``run`` takes for training in the background."""
    run.add_argument("--background", action="store_true", help="train apart from the terminal, giving way to others")
    run.add_argument(
        "--pause-above",
        type=percent,
        default=75.0,
        metavar="PERCENT",
        help="in the background, wait while others keep more of the processor busy (default 75; 100: never wait)",
    )
    what = run.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="say in one line what the background training does")
    what.add_argument("--stop", action="store_true", help="have the background training checkpoint and end")
    what.add_argument("--detached", type=int, default=None, help=argparse.SUPPRESS)  # the trainer itself: its lock


def queue(queued: argparse.ArgumentParser) -> None:
    """What ``submit`` and ``retry`` take."""
    queued.add_argument("--cluster", type=profile, required=True, metavar="NAME", help="profile slurm/NAME.toml")
    queued.add_argument("--max-gpu-hours", type=hours, default=24.0, metavar="H", help="ask above (default 24)")
    queued.add_argument("--yes", action="store_true", help="do not ask")
    queued.add_argument(
        "--if-refused", choices=("cancel", "keep"), default="cancel", help="what was queued before sbatch refused"
    )
    queued.add_argument("--any-code", action="store_true", help="go on although the code changes meanwhile")
    queued.set_defaults(failed=False)
