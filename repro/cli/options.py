"""The options of the subcommands, each with its one line of help."""

import argparse
import math
from pathlib import Path

from repro.cli import values
from repro.cli.cluster import init, throughput
from repro.cli.data import check, fetch


def add(one: argparse.ArgumentParser, *groups: str) -> None:
    """Gives a subcommand groups of options, in order.

    "claims": paths or ids, and -k, and "some claims" where there is no default; "data" and "select": in place of which
    data and at which scale; "store"; "images": the folder of data sets; "train"; "report": its folder; "json".
    """
    for group in groups:
        match group:
            case "claims" | "some claims":
                default = "default: all claims" if group == "claims" else "required, unless -k is there"
                one.add_argument(
                    "claims",
                    nargs="*",
                    default=[],
                    metavar="CLAIM",
                    help=f"ids, claim files or folders ({default})",
                )
                one.add_argument("-k", dest="keyword", type=values.words, default="", metavar="WORDS",
                                 help="only checks whose id matches, like pytest's -k")  # fmt: skip
            case "data":
                one.add_argument("--data", metavar="NAME", help="a named copy of CIFAR-10, such as cifar10-jpeg")
            case "select":
                add(one, "data")
                one.add_argument("--scale", default="smoke", help="smoke (default), pilot or paper")
            case "store":
                one.add_argument("--results", type=values.path, default=Path("results"), metavar="FOLDER",
                                 help="the store of runs (default results)")  # fmt: skip
            case "images":
                one.add_argument("--data-dir", type=values.path, default=Path("data"), metavar="FOLDER",
                                 help="the folder of CIFAR-10 and ImageNet (default data)")  # fmt: skip
            case "train":
                one.add_argument("--device", type=values.devices, default="auto",
                                 help="auto (default: every GPU, else cpu), cpu, cuda:0 or cuda:0,cuda:1")  # fmt: skip
                one.add_argument("--workers", type=values.processes, metavar="N",
                                 help="number of processes (default: one per core or GPU)")  # fmt: skip
                one.add_argument(
                    "--budget", type=values.seconds, metavar="TIME", help="pause after this time, such as 9m"
                )
                one.add_argument("--strict", action="store_true",
                                 help="train nothing if this machine cannot train all of it")  # fmt: skip
            case "report":
                one.add_argument("--report", type=values.path, default=Path("report"), metavar="FOLDER",
                                 help="folder of the report (default report)")  # fmt: skip
            case "json":
                one.add_argument("--json", action="store_true", help="print one JSON value, and notes on stderr")


def none(_: argparse.ArgumentParser) -> None:
    """No options."""


def examine(doctor: argparse.ArgumentParser) -> None:
    """Options of ``doctor``, for a cluster."""
    doctor.add_argument("--cluster", type=values.profile, metavar="NAME", help="check a cluster, and one of its nodes")
    doctor.add_argument(
        "--wait", type=values.seconds, default=300.0, metavar="TIME", help="how long to wait for the node (default 5m)"
    )


def data_sets(data: argparse.ArgumentParser) -> None:
    """The two kinds of ``data``."""
    kinds = data.add_subparsers(required=True, metavar="WHAT")
    fetched = kinds.add_parser("fetch", help="fetches CIFAR-10, and resumes where it was cut off", allow_abbrev=False)
    fetched.add_argument("archive", metavar="NAME", help="cifar10")
    fetched.add_argument(
        "--mirrors", type=values.path, metavar="FILE", help="a list of mirrors to use in place of the suite's own"
    )
    text = "prints the fingerprints of the data sets that are there; exit 3 if CIFAR-10 is not there"
    checked = kinds.add_parser("check", help=text, allow_abbrev=False)
    checked.add_argument(
        "names",
        nargs="*",
        default=[],
        metavar="NAME",
        help="digits, cifar10, imagenet, … (default: digits, and CIFAR-10 as found)",
    )
    for kind, command in ((fetched, fetch), (checked, check)):
        add(kind, "images", "json")
        kind.set_defaults(command=command, parser=kind)


def measured(bench: argparse.ArgumentParser) -> None:
    """Options of ``bench``."""
    bench.add_argument(
        "--device",
        type=values.devices,
        default="auto",
        help="the device to measure: auto (default: the first GPU, else cpu), cpu or cuda:0",
    )


def every_run(plan: argparse.ArgumentParser) -> None:
    """Options of ``plan``."""
    plan.add_argument("--all", action="store_true", help="list each run, with its reason and its checks")
    plan.add_argument("--on", choices=("cpu", "A100", "H100", "H200"),
                      help="estimate costs for this device (default: the one that is here)")  # fmt: skip
    hours_to_spend(plan)


def hours_to_spend(one: argparse.ArgumentParser) -> None:
    """The option of ``plan``, ``run`` and ``submit`` that buys verdicts."""
    text = "only the cheapest verdicts that fit into this much time on one device, such as 40h"
    one.add_argument("--within", type=values.seconds, metavar="TIME", help=text)


def background(run: argparse.ArgumentParser) -> None:
    """Options of ``run``, most of them for training in the background."""
    hours_to_spend(run)
    run.add_argument("--measure", action="store_true", help="also add measurements that finished runs lack")
    run.add_argument("--background", action="store_true", help="train detached from the terminal, and yield to others")
    run.add_argument(
        "--pause-above",
        type=values.percent,
        default=75.0,
        metavar="PERCENT",
        help="in the background, wait while others keep more of the processor busy (default 75; 100: never wait)",
    )
    what = run.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="say in one line what the background training is doing")
    what.add_argument("--stop", action="store_true", help="checkpoint and end the background training")
    what.add_argument("--detached", type=int, default=None, help=argparse.SUPPRESS)  # its lock


def watching(status: argparse.ArgumentParser) -> None:
    """The option of ``status``."""
    text = "keep showing how far each claim's runs are, until all are complete or Ctrl-C"
    status.add_argument("--watch", action="store_true", help=text)


def one_run(logs: argparse.ArgumentParser) -> None:
    """The argument of ``logs``."""
    text = "first characters of a run's key or first words of its name (default: what failed, and the trainer's log)"
    logs.add_argument("run", nargs="?", metavar="RUN", help=text)


def again(judge: argparse.ArgumentParser) -> None:
    """Options of ``judge`` that check verdicts instead of writing them."""
    what = judge.add_mutually_exclusive_group()
    what.add_argument("--verify", action="store_true", help="recompute every verdict and compare; write nothing")
    what.add_argument("--remeasure", action="store_true", help="measure the stored networks again and compare (torch)")
    text = "judge also with the code of COMMIT, and record in claims/compared.json whether the two agree"
    what.add_argument("--by", type=values.named, metavar="COMMIT", help=text)
    what.add_argument(
        "--retrain",
        type=values.named,
        metavar="RUN",
        help="train runs again, by the first characters of their key or the first words of their name",
    )
    judge.add_argument(
        "--device", type=values.devices, default="cpu", help="the device to measure or train on (default cpu)"
    )


def work(new: argparse.ArgumentParser) -> None:
    """The argument of ``new``."""
    new.add_argument("work", metavar="WORK", help="key of the work, by convention first author and year: doe2024")


def registered(preregister: argparse.ArgumentParser) -> None:
    """Options of ``preregister``."""
    text = "file to write (default: one named for today, beside the claims)"
    preregister.add_argument("--to", type=values.path, metavar="FILE", help=text)


def cluster(one: argparse.ArgumentParser) -> None:
    """The two kinds of ``cluster``."""
    kinds = one.add_subparsers(required=True, metavar="WHAT")
    first = kinds.add_parser(
        "init", help="writes a first profile, slurm/NAME.toml, from sinfo's output", allow_abbrev=False
    )
    measured = kinds.add_parser(
        "throughput",
        help="measures on one GPU how many runs of the costliest networks should share it",
        allow_abbrev=False,
    )
    for kind, command in ((first, init), (measured, throughput)):
        kind.add_argument("name", type=values.profile, metavar="NAME", help="name of the profile slurm/NAME.toml")
        kind.set_defaults(command=command, parser=kind)
    add(first, "json")
    add(measured, "claims", "select", "store", "images", "json")
    measured.add_argument(
        "--wait", type=values.seconds, default=3600.0, metavar="TIME", help="how long to wait for the job (default 1h)"
    )
    measured.add_argument(
        "--most", type=int, choices=(1, 2, 4, 8), default=8, help="the most runs that may share a GPU (default 8)"
    )


def queue(queued: argparse.ArgumentParser) -> None:
    """Options of ``submit`` and ``retry``."""
    queued.add_argument(
        "--cluster", type=values.profile, required=True, metavar="NAME", help="use the profile slurm/NAME.toml"
    )
    queued.add_argument(
        "--max-gpu-hours",
        type=values.hours,
        metavar="H",
        help="ask before queuing more GPU-hours than this (default 24, or --within)",
    )
    queued.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    queued.add_argument(
        "--if-refused",
        choices=("cancel", "keep"),
        default="cancel",
        help="what to do with jobs already queued when sbatch refuses one (default cancel)",
    )
    hours_to_spend(queued)
    queued.add_argument("--any-code", action="store_true", help="continue even if the code changes meanwhile")


def queue_again(retry: argparse.ArgumentParser) -> None:
    """Options of ``retry``."""
    queue(retry)
    retry.add_argument("--failed", action="store_true", help=argparse.SUPPRESS)  # as commands were once written


def packed(export: argparse.ArgumentParser) -> None:
    """Options of ``export``."""
    text = "file to write, such as runs.tar.xz, or a folder, for one file per run"
    export.add_argument("--to", dest="file", type=values.target, required=True, metavar="FILE", help=text)
    text = "leave out the trained tensors of a run where they are larger; it can be judged, but not measured again"
    export.add_argument("--tensors-up-to", dest="most", type=values.size, default=math.inf, metavar="SIZE", help=text)


def packages(take: argparse.ArgumentParser) -> None:
    """The arguments of ``import``."""
    text = "files that repro export wrote, or folders of them"
    take.add_argument("files", nargs="+", type=values.path, metavar="FILE", help=text)


def shell(completion: argparse.ArgumentParser) -> None:
    """The argument of ``completion``."""
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")
