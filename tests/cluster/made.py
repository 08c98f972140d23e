"""Submissions, attempts and deaths as they are found on disk, and jobs as a queue shows them."""

import json

from repro.cluster import ledger
from repro.cluster.fate import fates
from repro.cluster.ledger import Array, Attempt, Order, Submission
from repro.cluster.profile import Profile
from repro.cluster.scheduler import Job
from repro.cluster.snapshot import read
from repro.recipes import cifar
from repro.runs.store import Store

SPECS = [cifar("smoke", seed, depth=8) for seed in range(4)]

BOX = Profile(name="box", submitit="1.5", gpus_per_node=1)


def submitted(root, specs=SPECS, together=1, job="7", **changed):
    """A submission of some runs as one array, as `repro submit` leaves it."""
    store = Store(root)
    for spec in specs:
        store.begin(spec)
    keys = [spec.key for spec in specs]
    elements = tuple(tuple(keys[i : i + together]) for i in range(0, len(keys), together))
    order = Order(
        scale="smoke", paths=(), keyword="", copy=None, results=root, data_dir=root, report=root,
        granted_gpu_hours=1.0, any_code=False,
    )  # fmt: skip
    fields = {
        "id": ledger.new_id(root), "chain": "", "order": order, "profile": BOX, "code": "c0de", "commit": "",
        "round": 0, "created": 0.0, "elements": elements, "gpu_hours": 1.0, "reused_seconds": 0.0,
        "arrays": (Array(job=job, first=0, count=len(elements), minutes=10, workers=together),),
    }  # fmt: skip
    made = Submission(**{**fields, **changed})
    ledger.create(made)
    return made


def queued(submission, element, state, reason="Priority", node=""):
    return Job(submission.job_of(element), submission.array_name(0), state, node, reason)


def attempted(submission, element, restart=0, end="done", status=None, **changed):
    """An attempt at an element, with one status for all its runs."""
    runs = {key: {"status": status, "seconds": 1.0, "error": "boom"} for key in submission.elements[element]}
    fields = {
        "element": element, "restart": restart, "job": submission.job_of(element), "node": "n1", "gpus": 1,
        "workers": 1, "began": 100.0, "ended": 200.0 if end else None, "end": end, "runs": runs if status else {},
    }  # fmt: skip
    attempt = Attempt(**{**fields, **changed})
    attempt.save(submission)
    return attempt


def died(submission, found):
    """Writes how jobs ended, as ``deaths.learn`` does."""
    file = ledger.deaths_file(submission)
    file.write_text(json.dumps({**ledger.read_json(file), **found}))


def last(cluster):
    """The submission that was made last in a made-up cluster."""
    return read(Store(cluster.place / "results")).entries[-1].submission


def paused(cluster):
    """The same, after every one of its elements was attempted and paused."""
    one = last(cluster)
    for number in range(len(one.elements)):
        attempted(one, number, end="paused")
    return one


def state(store, submission, queue=()):
    return fates(SPECS[:1], read(store), queue)[SPECS[0].key].state
