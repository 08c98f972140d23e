"""The command line: subcommands in order of use, each a few lines around a library call."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from repro.errors import ReproError, SpecError

if TYPE_CHECKING:
    from repro.execute import Outcome
    from repro.plan import Plan
    from repro.plugin import Session
    from repro.store import Store
    from repro.verdict import Judgement


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; 0 all judged and hold, 1 some do not, 2 the harness failed, 3 something is pending."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
    except ReproError as error:
        print(f"repro: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away: not our failure
        return 0
    return code


def plan_command(arguments: argparse.Namespace) -> int:
    """Says which runs there are, why each is missing or reused, and what it costs."""
    from repro.provenance import detect_device

    made = _plan(arguments)
    if arguments.json:
        _print_json(
            {"runs": [_planned(run) for run in made.runs], "missing": len(made.missing), "device_hours": made.hours}
        )
        return 0
    for run in made.runs:
        print(
            f"{run.spec.key[:12]}  {_duration(run.cost.seconds):>8} {run.cost.basis:<8}  {run.spec.name:<58} "
            f"{run.why}; for {', '.join(check.id for check in run.checks[:2])}"
            + (f" and {len(run.checks) - 2} more" if len(run.checks) > 2 else "")
        )
    cost = f"about {_duration(made.hours * 3600)} of one {'GPU' if detect_device() == 'cuda' else 'CPU core'}"
    print(f"{len(made.checks)} checks need {len(made.runs)} runs; {len(made.missing)} are missing, {cost}.")
    return 0


def run_command(arguments: argparse.Namespace) -> int:
    """Trains what is missing; exit 3 when the budget ended before the runs did."""
    session = _collect(arguments)
    outcome = _run(arguments, session)
    if arguments.measure:
        _back_fill(arguments, session)
    if outcome.count("failed") + outcome.count("crashed"):
        return 2
    return 3 if outcome.stopped else 0


def status_command(arguments: argparse.Namespace) -> int:
    """Counts the runs of a plan by condition; of runs that were submitted, asks the scheduler too."""
    made = _plan(arguments)
    if (arguments.results / ".slurm").exists():
        from repro.cluster import commands

        return commands.status(made, _store(arguments), arguments.json)
    counts: dict[str, int] = {}
    for run in made.runs:
        counts[run.condition] = counts.get(run.condition, 0) + 1
    failed = [{"name": run.spec.name, "why": run.why} for run in made.runs if run.condition == "failed"]
    if arguments.json:
        _print_json({"runs": counts, "failed": failed, "device_hours_missing": made.hours})
    else:
        print(", ".join(f"{count} {condition}" for condition, count in sorted(counts.items())) or "nothing planned")
        for entry in failed:
            print(f"{entry['name']}: {entry['why']}")
    return 3 if made.missing else 0


def judge_command(arguments: argparse.Namespace) -> int:
    """Judges from the store into verdicts.json, or with --verify compares it with a fresh judgement."""
    return _judge(arguments, _collect(arguments))


def report_command(arguments: argparse.Namespace) -> int:
    """Renders verdicts.json as HTML and PDF."""
    from repro import document, report

    made = document.load(arguments.report / "verdicts.json")
    for line in report.render(made, arguments.report):
        print(line)
    return 0


def verify_command(arguments: argparse.Namespace) -> int:
    """Trains, judges and reports in one go."""
    session = _collect(arguments)
    outcome = _run(arguments, session)
    code = _judge(arguments, session)
    report_command(arguments)
    return 3 if outcome.stopped and code < 2 else code


def data_command(arguments: argparse.Namespace) -> int:
    """Reads the data sets there are and prints their fingerprints."""
    from repro.datasets import DATASETS
    from repro.training.data import arrays

    names = arguments.names or ["digits"]
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        if name not in DATASETS or name == "imagenet":
            allowed = ", ".join(sorted(set(DATASETS) - {"imagenet"}))
            raise SpecError(f"data set is {name!r}; allowed: {allowed}.")
        (train, _), (test, _), prints = arrays(name, arguments.data_dir)
        found[name] = {"train": list(train.shape), "test": list(test.shape), "fingerprints": prints}
    if arguments.json:
        _print_json(found)
        return 0
    for name, entry in found.items():
        print(f"{name}: train {entry['train']}, test {entry['test']}")
        for split, digest in entry["fingerprints"].items():
            print(f"  {split:<5} {digest}")
    return 0


def export_command(arguments: argparse.Namespace) -> int:
    """Packs the runs of a plan, finished or paused, into one compressed file."""
    from repro import transfer

    specs = [run.spec for run in _plan(arguments).runs]
    count = transfer.export(_store(arguments), specs, arguments.file)
    print(f"{arguments.file}: {count} runs, {arguments.file.stat().st_size / 1e6:.2f} MB")
    return 0


def import_command(arguments: argparse.Namespace) -> int:
    """Takes runs from exported files into the store."""
    from repro import transfer

    for file in arguments.files:
        for status, count in transfer.take_in(_store(arguments), file).items():
            print(f"{file}: {count} {status}")
    return 0


def doctor_command(arguments: argparse.Namespace) -> int:
    """Checks what this machine lacks."""
    from repro.doctor import examine

    if arguments.cluster:
        from repro.cluster import commands

        return commands.examine(arguments)
    found = examine(arguments.results, arguments.data_dir)
    if arguments.json:
        _print_json([vars(one) for one in found])
    for one in found if not arguments.json else ():
        print(f"{one.state:<4} {one.what:<10} {one.told}")
    return 2 if any(one.state == "FAIL" for one in found) else 0


def submit_command(arguments: argparse.Namespace) -> int:
    """Queues what is missing as SLURM job arrays, and a last job that judges and reports."""
    from repro.cluster import commands

    return commands.submit(arguments, _collect(arguments))


def retry_command(arguments: argparse.Namespace) -> int:
    """Queues again what failed, was killed or cancelled, or ran out of requeues."""
    from repro.cluster import commands

    return commands.retry(arguments, _collect(arguments))


def logs_command(arguments: argparse.Namespace) -> int:
    """Prints what the jobs of one run wrote."""
    from repro.cluster import commands

    return commands.logs(arguments)


def cancel_command(arguments: argparse.Namespace) -> int:
    """Cancels the jobs of the selected runs; what they have trained is kept."""
    from repro.cluster import commands

    return commands.cancel(_plan(arguments), _store(arguments))


def init_command(arguments: argparse.Namespace) -> int:
    """Writes a first profile, slurm/NAME.toml, from what sinfo says."""
    from repro.cluster import commands

    return commands.init(arguments)


def pilot_command(arguments: argparse.Namespace) -> int:
    """Measures on one GPU how many runs of each network should share it."""
    from repro.cluster import commands

    return commands.pilot(arguments, _collect(arguments))


def explain_command(arguments: argparse.Namespace) -> int:
    """Says in plain words what a check claims, trains, measures and requires."""
    from repro.explain import explain

    session = _collect(arguments)
    print("\n\n".join(explain(session.selected, arguments.check, _store(arguments), list(session.checks.values()))))
    return 0


def _collect(arguments: argparse.Namespace) -> "Session":
    from repro.collect import collect
    from repro.recipes import check_scale

    check_scale(arguments.scale)
    return collect(scale=arguments.scale, paths=arguments.paths, keyword=arguments.keyword, copy=arguments.data)


def _store(arguments: argparse.Namespace) -> "Store":
    from repro.store import Store

    return Store(arguments.results)


def _plan(arguments: argparse.Namespace) -> "Plan":
    from repro.judge import bought
    from repro.plan import plan
    from repro.provenance import detect_device

    session, store = _collect(arguments), _store(arguments)
    wanted = bought(session.selected, store, list(session.checks.values()))
    return plan(session.selected, store, device_type=detect_device(), bought=wanted)


def _run(arguments: argparse.Namespace, session: "Session") -> "Outcome":
    from repro.execute import run_all
    from repro.progress import Progress

    with Progress() as progress:
        return run_all(
            session.selected,
            _store(arguments),
            data_dir=arguments.data_dir,
            controls=list(session.checks.values()),
            device=arguments.device,
            workers=arguments.workers,
            budget=arguments.budget,
            progress=progress,
        )


def _back_fill(arguments: argparse.Namespace, session: "Session") -> None:
    from repro.training import back_fill

    store = _store(arguments)
    specs = {key: spec for check in session.selected for key, spec in check.runs(check.looks[-1]).items()}
    for spec in specs.values():
        if store.condition(spec) == "complete":
            added = back_fill(store.run(spec), store, data_dir=arguments.data_dir, device="cpu")
            if added:
                print(f"measured {', '.join(added)} of {spec.name}")


def _judge(arguments: argparse.Namespace, session: "Session") -> int:
    from repro import document
    from repro.plugin import exit_code

    path = arguments.report / "verdicts.json"
    verify = getattr(arguments, "verify", False)
    controls = list(session.checks.values())
    made, rows = document.document(
        session.selected, _store(arguments), arguments.scale, controls=controls, thorough=verify
    )
    if verify:
        changed = document.differences(path, made)
        for line in changed:
            print(f"repro: {line}", file=sys.stderr)
        print(
            f"{path}: "
            + (f"{len(changed)} differences" if changed else f"all {len(rows)} verdicts are as computed from the runs")
        )
        return 2 if changed else 0
    document.save(made, path)
    if arguments.json:
        _print_json(made)
    else:
        _print_table(made, rows)
    return exit_code((row.verdict, row.answer) for row in rows)


def _print_table(made: dict[str, Any], rows: list["Judgement"]) -> None:
    for entry in made["claims"]:
        words = entry["verdict"] + ("" if entry["answer"] == "none" else f" {entry['answer']}")
        points = ", ".join(f"{count} {answer}" for answer, count in entry["points"].items())
        print(f"{entry['claim']:<30} {words:<28} {points}")
    print(f"{len(made['claims'])} claims, {len(rows)} checks, {made['cost']['runs']} runs")


def _planned(run: Any) -> dict[str, Any]:
    return {
        "key": run.spec.key,
        "name": run.spec.name,
        "condition": run.condition,
        "why": run.why,
        "seconds": run.cost.seconds,
        "basis": run.cost.basis,
        "checks": [check.id for check in run.checks],
    }


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


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


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"repro: {message}; see: {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _OneLineParser(
        prog="repro", description="Replication of 'Training BatchNorm and Only BatchNorm'."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    select, store, train, report, as_json = _shared_options()

    def add(
        name: str, command: Callable[[argparse.Namespace], int], *parents: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        text = (command.__doc__ or "").strip()
        added = commands.add_parser(name, help=text.splitlines()[0], description=text, parents=list(parents))
        added.set_defaults(command=command)
        return added

    add("plan", plan_command, select, store, as_json)
    run = add("run", run_command, select, store, train)
    run.add_argument("--measure", action="store_true", help="also measure what finished runs lack, without training")
    for name, command in (("submit", submit_command), ("retry", retry_command)):
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
    add("status", status_command, select, store, as_json)
    logs = add("logs", logs_command, store)
    logs.add_argument("run", metavar="RUN", help="beginning of a run's key or name")
    add("cancel", cancel_command, select, store)
    judge = add("judge", judge_command, select, store, report, as_json)
    judge.add_argument("--verify", action="store_true", help="recompute every verdict and compare; write nothing")
    add("report", report_command, report)
    add("verify", verify_command, select, store, train, report, as_json)
    data = add("data", data_command, store, as_json)
    data.add_argument("names", nargs="*", metavar="NAME", help="digits, cifar10 or cifar10-jpeg (default digits)")
    export = add("export", export_command, select, store)
    export.add_argument("--to", dest="file", type=Path, required=True, help="file to write, such as runs.tar.xz")
    take = add("import", import_command, store)
    take.add_argument("files", nargs="+", type=Path, metavar="FILE")
    doctor = add("doctor", doctor_command, store, as_json)
    doctor.add_argument("--cluster", default=None, metavar="NAME", help="look at a cluster, and from one of its nodes")
    doctor.add_argument("--wait", type=_seconds, default=300.0, metavar="TIME", help="for the node (default 5m)")
    cluster = commands.add_parser("cluster", help="Describes a cluster.").add_subparsers(required=True, metavar="WHAT")
    init = cluster.add_parser("init", help=init_command.__doc__)
    init.set_defaults(command=init_command)
    pilot = cluster.add_parser("pilot", help=pilot_command.__doc__, parents=[select, store])
    pilot.add_argument("--wait", type=_seconds, default=3600.0, metavar="TIME", help="for the job (default 1h)")
    pilot.add_argument(
        "--most", type=int, choices=(1, 2, 4, 8), default=8, help="runs that may share a GPU (default 8)"
    )
    pilot.set_defaults(command=pilot_command)
    for one in (init, pilot):
        one.add_argument("name", metavar="NAME", help="of the profile slurm/NAME.toml")
    explain = add("explain", explain_command, store)
    explain.add_argument("check", metavar="CHECK", help="id of a check or a claim")
    explain.add_argument("--scale", default="smoke")
    explain.add_argument("--data", default=None)
    explain.set_defaults(paths=[], keyword="")
    return parser


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


if __name__ == "__main__":
    sys.exit(main())
