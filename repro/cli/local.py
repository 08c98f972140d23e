"""The subcommands: each a few lines around a library call, imported when it is called."""

import argparse
import shlex
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from repro.cli import background, shared
from repro.cli.output import coloured, print_json, say
from repro.errors import DamagedRunError, SpecError

if TYPE_CHECKING:
    from repro.collecting.plugin import Session
    from repro.executing.execute import Tally
    from repro.judging.verdict import Judgement


def plan(arguments: argparse.Namespace) -> int:
    """Sums up the missing runs by claim; --all lists each run with its reason, --json everything."""
    from repro.cli import planned

    made = shared.planned(arguments)
    if arguments.json:
        print_json(planned.as_json(made))
        return 0
    for line in planned.each(made) if arguments.all else planned.by_claim(made):
        print(line)
    print(planned.total(made))
    print(shared.next_step(arguments, "run" if made.missing else "judge"))
    return 0


def run(arguments: argparse.Namespace) -> int:
    """Trains the missing runs; exit 3 if the budget ended first."""
    if arguments.status or arguments.stop:
        return background.look(arguments)
    session = shared.collect(arguments)
    if arguments.background and arguments.detached is None:
        return background.start(arguments, session)
    tally = _run(arguments, session) if arguments.detached is None else background.train(arguments, session)
    if arguments.measure:
        _back_fill(arguments, session)
    failed = tally.count("failed") + tally.count("crashed")
    if tally.stopped:
        print(f"stopped: {tally.count('paused')} runs are checkpointed; the same command resumes them")
    elif not failed:
        print("" if tally.done else "nothing to train: every run is complete. ", end="")
        print(shared.next_step(arguments, "judge"))
    return 2 if failed else 3 if tally.stopped else 0


def status(arguments: argparse.Namespace) -> int:
    """Counts the runs of a plan by condition; 2 if some failed, 3 if some are missing."""
    shared.require_store(arguments)
    made = shared.planned(arguments)
    failed = [{"name": run.spec.name, "why": run.why} for run in made.runs if run.condition == "failed"]
    code = 2 if failed else 3 if made.missing else 0
    if (arguments.results / ".slurm").exists():
        from repro.cluster.status import status as show_status

        return max(show_status(made, shared.store(arguments), arguments.json), code, key=(0, 3, 2).index)
    counts: dict[str, int] = {}
    for run in made.runs:
        counts[run.condition] = counts.get(run.condition, 0) + 1
    if arguments.json:
        print_json({"runs": counts, "failed": failed, "device_hours_missing": made.hours})
    else:
        print(", ".join(f"{count} {condition}" for condition, count in sorted(counts.items())) or "nothing planned")
        for entry in failed:
            print(f"{entry['name']}: {entry['why']}")
        background.show(arguments)
        print(shared.next_step(arguments, "run" if made.missing else "judge"))
    return code


def judge(arguments: argparse.Namespace) -> int:
    """Judges the stored runs and writes verdicts.json, or with --verify compares it with a fresh judgement."""
    shared.require_store(arguments)
    if arguments.remeasure:
        return _remeasure(arguments)
    if arguments.retrain:
        return _retrain(arguments)
    return _judge(arguments, shared.collect(arguments))


def report(arguments: argparse.Namespace) -> int:
    """Renders verdicts.json as HTML and PDF."""
    for line in _render(arguments):
        print(line)
    print(f"Open: {(arguments.report / 'report.html').resolve().as_uri()}")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Trains, judges and reports in one go; with --json, stdout holds the verdicts and nothing else."""
    session = shared.collect(arguments)
    tally = _run(arguments, session)
    code = _judge(arguments, session)
    for line in _render(arguments):
        print(line, file=sys.stderr if arguments.json else sys.stdout)
    return 3 if tally.stopped and code < 2 else code


def _render(arguments: argparse.Namespace) -> list[str]:
    from repro.judging import verdicts_json
    from repro.reporting import report

    return report.render(verdicts_json.load(arguments.report / "verdicts.json"), arguments.report)


def listing(arguments: argparse.Namespace) -> int:
    """Lists the claims: sentence, source, and the verdict that verdicts.json has."""
    from repro.cli import listing

    made = listing.listed(arguments)
    if arguments.json:
        print_json(made)
        return 0
    for line in listing.lines(made):
        print(line)
    return 0


def preregister(arguments: argparse.Namespace) -> int:
    """Writes the frozen rules of the selected checks, at every scale, into one file."""
    from datetime import UTC, datetime

    from repro.judging import preregister
    from repro.provenance import folder
    from repro.recipes import SCALES

    today = datetime.now(UTC).date()
    path = arguments.to or folder("claims") / preregister.PLACE / f"{today.isoformat()}.json"
    checks = []
    for scale in SCALES:
        checks += shared.collect(argparse.Namespace(**{**vars(arguments), "scale": scale})).selected
    digest = preregister.preregister(checks, path, today=today)
    print(
        f"{path}: {len(checks)} rules, SHA-256 {digest}\nNext: commit and tag it, or deposit it, before the first run"
    )
    return 0


def data(arguments: argparse.Namespace) -> int:
    """Reads data sets and prints their fingerprints."""
    from repro.runs.datasets import DATASETS
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
        print_json(found)
        return 0
    for name, entry in found.items():
        print(f"{name}: train {entry['train']}, test {entry['test']}")
        for split, digest in entry["fingerprints"].items():
            print(f"  {split:<5} {digest}")
    return 0


def export(arguments: argparse.Namespace) -> int:
    """Packs the runs of a plan, finished or paused, into one compressed file, or into one each in a folder."""
    from repro.runs import shelf, transfer

    specs = [run.spec for run in shared.planned(arguments).runs]
    if arguments.file.is_dir():
        counts = shelf.keep(shared.store(arguments), specs, arguments.file)
        words = [f"{count} {word}" for word, count in counts.items()]
        print(f"{arguments.file}: {', '.join(words) or 'no run to keep'}")
        return 0
    count = transfer.export(shared.store(arguments), specs, arguments.file)
    print(f"{arguments.file}: {count} runs, {arguments.file.stat().st_size / 1e6:.2f} MB")
    return 0


def take_in(arguments: argparse.Namespace) -> int:
    """Adds the runs of exported files to the store."""
    from repro.runs import shelf, transfer

    for path in arguments.files:
        counts: Counter[str] = Counter()
        try:
            for file in shelf.archives(path):
                counts += transfer.take_in(shared.store(arguments), file)
        finally:  # also what came before a file that was refused
            for status, count in counts.items():
                print(f"{path}: {count} {status}")
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    """Checks this machine for what the suite needs."""
    from repro.executing.doctor import examine

    if arguments.cluster:
        from repro.cli import cluster as commands

        return commands.examine(arguments)
    found = examine(arguments.results, arguments.data_dir)
    if arguments.json:
        print_json([vars(one) for one in found])
    for one in found if not arguments.json else ():
        print(f"{one.state:<4} {one.what:<10} {one.message}")
    return 2 if any(one.state == "FAIL" for one in found) else 0


def submit(arguments: argparse.Namespace) -> int:
    """Queues the missing runs as SLURM job arrays, and a last job that judges and reports."""
    from repro.cli import cluster as commands

    return commands.submit(arguments, shared.collect(arguments))


def retry(arguments: argparse.Namespace) -> int:
    """Queues again runs that failed, were killed or cancelled, or ran out of requeues."""
    from repro.cli import cluster as commands

    return commands.retry(arguments, shared.collect(arguments))


def logs(arguments: argparse.Namespace) -> int:
    """Prints the logs of one run's jobs."""
    from repro.cli import cluster as commands

    return commands.logs(arguments)


def cancel(arguments: argparse.Namespace) -> int:
    """Cancels the jobs of the selected runs; their checkpoints are kept."""
    from repro.cli import cluster as commands

    return commands.cancel(
        shared.planned(arguments), shared.store(arguments), everything=not (arguments.paths or arguments.keyword)
    )


def init(arguments: argparse.Namespace) -> int:
    """Writes a first profile, slurm/NAME.toml, from sinfo's output."""
    from repro.cli import cluster as commands

    return commands.init(arguments)


def throughput(arguments: argparse.Namespace) -> int:
    """Measures on one GPU how many runs of each network should share it."""
    from repro.cli import cluster as commands

    return commands.throughput(arguments, shared.collect(arguments))


def explain(arguments: argparse.Namespace) -> int:
    """Explains what a check claims, trains, measures and requires."""
    from repro.cli.output import wrapped
    from repro.judging.explain import explain

    session = shared.collect(arguments)
    blocks = explain(session.selected, arguments.check, shared.store(arguments), list(session.checks.values()))
    print("\n\n".join("\n".join(map(wrapped, text.splitlines())) for text in blocks))
    return 0


def _run(arguments: argparse.Namespace, session: "Session") -> "Tally":
    from repro.executing.devices import devices, processes
    from repro.executing.execute import run_all
    from repro.executing.progress import ProgressBar

    workers = arguments.workers or processes(devices(arguments.device))
    stream = sys.stderr if getattr(arguments, "json", False) else sys.stdout
    with ProgressBar(shared.store(arguments), workers, stream) as progress:
        return run_all(
            session.selected,
            shared.store(arguments),
            data_dir=arguments.data_dir,
            requested_seeds=lambda: shared.requested_seeds(arguments, session),
            device=arguments.device,
            workers=arguments.workers,
            budget=arguments.budget,
            listener=progress,
        )


def _back_fill(arguments: argparse.Namespace, session: "Session") -> None:
    from repro.training import back_fill

    store = shared.store(arguments)
    specs = {key: spec for check in session.selected for key, spec in check.runs(check.looks[-1]).items()}
    for spec in specs.values():
        if store.condition(spec) == "complete":
            added = back_fill(store.run(spec), store, data_dir=arguments.data_dir, device="cpu")
            if added:
                print(f"measured {', '.join(added)} of {spec.name}")


def _remeasure(arguments: argparse.Namespace) -> int:
    from repro.executing.devices import devices
    from repro.training import remeasure

    complete = [run.spec for run in shared.planned(arguments).runs if run.condition == "complete"]
    store, device, lines = shared.store(arguments), devices(arguments.device)[0], list[str]()
    for spec in complete:
        try:
            lines += remeasure(store.run(spec), data_dir=arguments.data_dir, device=device)
        except DamagedRunError as error:  # the others are still measured
            lines.append(str(error))
    if arguments.json:
        print_json({"runs": len(complete), "differences": lines})
    else:
        for line in lines:
            say(line)
        print(
            f"{len(complete)} runs measured again, {len(lines)} differences"
            if complete
            else "no complete run to measure again; train some with: repro run"
        )
    return 2 if lines else 0 if complete else 3


def _retrain(arguments: argparse.Namespace) -> int:
    from repro.executing.devices import devices
    from repro.executing.retrain import chosen, retrain

    store, device, differences = shared.store(arguments), devices(arguments.device)[0], dict[str, list[str]]()
    complete = [store.run(run.spec) for run in shared.planned(arguments).runs if run.condition == "complete"]
    for run in chosen(complete, arguments.retrain):
        lines = differences[run.spec.name] = retrain(run, data_dir=arguments.data_dir, device=device)
        if not arguments.json:
            print(f"{run.spec.name}: {'trained again, ' + ('not equal' if lines else 'equal bit for bit')}", flush=True)
        for line in lines:
            say(line)
    if arguments.json:
        print_json(differences)
    return 2 if any(differences.values()) else 0


def _judge(arguments: argparse.Namespace, session: "Session") -> int:
    from repro.cli.judged import judged
    from repro.judging import verdicts_json, verify
    from repro.judging.verdict import exit_code
    from repro.reporting import report as reports

    path = arguments.report / "verdicts.json"
    verifying = getattr(arguments, "verify", False)
    made, rows = judged(
        session,
        shared.store(arguments),
        scale=arguments.scale,
        copy=arguments.data,
        thorough=verifying,
    )
    if verifying:
        *changed, last = (lines := verify.verify(path, made, page=reports.page))[0]
        for line in changed:
            print(f"repro: {line}", file=sys.stderr)
        print(last)
        return lines[1]
    verdicts_json.save(made, path)
    if arguments.json:
        print_json(made)
    else:
        _print_table(made, rows)
        if arguments.command is judge:
            where = [] if str(arguments.report) == "report" else ["--report", str(arguments.report)]
            print(f"Next: {shlex.join(['repro', 'report', *where])}")
    return exit_code((row.verdict, row.answer) for row in rows)


def _print_table(made: dict[str, Any], rows: list["Judgement"]) -> None:
    width = max((len(entry["claim"]) for entry in made["claims"]), default=0)
    for entry in made["claims"]:
        word = entry["verdict"] + ("" if entry["answer"] == "none" else f" {entry['answer']}")
        points = ", ".join(f"{count} {answer}" for answer, count in entry["points"].items())
        more = [points] if sum(entry["points"].values()) > 1 else []
        print(
            f"{entry['claim']:<{width}}  {coloured(f'{word:<14}', word)} {', '.join([*more, *entry['marks']])}".rstrip()
        )
    print(_registered(made["registration"]))
    print(f"{len(made['claims'])} claims, {len(rows)} checks, {made['cost']['runs']} runs")


def _registered(found: dict[str, Any] | None) -> str:
    """Whether the judged rules are the registered ones, in one line."""
    if found is None:
        return "No rule was registered; before the next runs: repro preregister"
    differences = [] if found["judging_code"] else ["the judging code differs"]
    for name, words in (("changed", "changed since"), ("unregistered", "not in it")):
        if found[name]:
            differences.append(f"{len(found[name])} checks {words}, such as {found[name][0]}")
    where = f"{found['file']} ({found['registered']}, SHA-256 {found['sha256'][:12]})"
    return (
        f"Not as registered in {where}: {'; '.join(differences)}" if differences else f"Judged as registered in {where}"
    )
