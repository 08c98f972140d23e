"""Measured throughput: how many images per second one GPU trains when 1, 2, 4 or 8 runs share it."""

from collections.abc import Sequence
from pathlib import Path

from repro.cluster import ledger, scheduler, throughput
from repro.cluster.ledger import Order
from repro.cluster.profile import Profile
from repro.cluster.sbatch import executor, refusals, share
from repro.cluster.throughput import Throughput
from repro.cluster.waiting import empty_submission
from repro.executing import sharing
from repro.executing.shared_rate import SECONDS, measured_rate
from repro.provenance import allocation
from repro.runs.files import explain_write_errors, write
from repro.runs.network_spec import NetworkSpec
from repro.runs.spec_json import read_spec
from repro.runs.store import Store


def send(one: Profile, order: Order, specs: list[str], minutes: int, most: int) -> tuple[str, Path]:
    """Queues the job that measures networks; returns its id and the file that it will write when all else is done."""
    folder = order.results / ledger.FOLDER / f"throughput-{one.name}-{ledger.new_id(order.results)}"
    with explain_write_errors(folder):
        (folder / "log").mkdir(parents=True)
    write(folder / "specs", "\n".join(specs).encode())
    result, kept = folder / "found.json", throughput.path(Store(order.results), one)
    made = executor(
        empty_submission(one, order),
        log=folder / "log",
        job_name=f"repro.{folder.name}",
        time=minutes,
        gpus_per_node=one.gpus_per_node,
        gres=one.gres,
        **share(one, most),
    )
    with refusals(), scheduler.outside_a_job():
        job = made.submit(
            measure_and_save, str(folder / "specs"), [str(kept), str(result)], str(order.data_dir), one.device, most
        )
    return str(job.job_id), result


def measure_and_save(spec_file: str, result_files: Sequence[str], data_dir: str, device: str, most: int) -> None:
    """Measures the networks in a file of specs, with at most ``most`` runs per GPU; called in a job, with paths."""
    specs = [read_spec(text, spec_file) for text in Path(spec_file).read_text(encoding="utf-8").splitlines()]
    node, networks = (allocation() or {}).get("node", ""), [spec for spec in specs if isinstance(spec, NetworkSpec)]
    found = measure(networks, data_dir=Path(data_dir), device=device, node=str(node), most=most)
    for file in result_files:
        throughput.save(found, Path(file))


def measure(
    specs: Sequence[NetworkSpec],
    *,
    data_dir: Path,
    device: str,
    node: str,
    most: int = sharing.TRIED[-1],
    seconds: float = SECONDS,
) -> Throughput:
    """Measures networks one after the other, doubling the runs that share the GPU until that gains nothing or fails."""
    rate = measured_rate(data_dir, device, stopped=lambda: False, seconds=seconds)
    made = [sharing.measure(spec, rate, threads=False, most=most) for spec in specs]
    return Throughput(device=device, node=node, networks=tuple(one for one in made if one.rates))
