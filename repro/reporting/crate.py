"""An RO-Crate: ro-crate-metadata.json, which makes a report's folder a Process Run Crate, ready to deposit.

roc-validator 0.13 finds nothing that a Process Run Crate 0.5 or RO-Crate 1.1 requires and this lacks. Of what they
recommend, it misses what no document tells: who ran the suite and publishes the crate, and an address of the suite.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]

NAME = "ro-crate-metadata.json"
CONTEXTS = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
LICENSE = "https://spdx.org/licenses/MIT"
# What a report's folder may hold, and what each file is.
FILES = {
    "verdicts.json": ("application/json", "every verdict and all that it rests on"),
    "verdicts.schema.json": ("application/schema+json", "the fields of verdicts.json"),
    "report.html": ("text/html", "the report as one page"),
    "report.pdf": ("application/pdf", "the report as PDF/UA-1"),
    "report-archive.pdf": ("application/pdf", "the report as PDF/A-3a with verdicts.json inside"),
    "claims.csv": ("text/csv", "a row for each claim"),
    "findings.csv": ("text/csv", "a row for each finding"),
    "runs.csv": ("text/csv", "a row for each run"),
    "badge.svg": ("image/svg+xml", "the counts of verdicts"),
}


def crate(made: Json, folder: Path, date: str) -> str:
    """The crate's metadata for the files that a folder holds; ``date`` is that of publication, as YYYY-MM-DD."""
    files = [_file(folder / name, *about) for name, about in FILES.items() if (folder / name).exists()]
    ids = [{"@id": one["@id"]} for one in files]
    works = [_work(work, index) for index, work in enumerate(made["works"])]
    title = " · ".join(work["short"] for work in made["works"] if not work["companion_to"]) or "Published claims"
    suite = f"#batchnorm-repro-{made['suite']['version']}"
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{title}: replication report, {made['scale']} scale",
        "description": f"Verdicts on {len(made['claims'])} claims from {len(made['runs'])} runs.",
        "datePublished": date,
        "license": {"@id": LICENSE},
        "conformsTo": {"@id": PROFILE},
        "hasPart": ids,
        "mentions": {"@id": "#judging"},
        "citation": [{"@id": work["@id"]} for work in works],
    }
    graph = [
        {
            "@id": NAME,
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        root,
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        {"@id": LICENSE, "@type": "CreativeWork", "name": "MIT License", "identifier": "MIT"},
        {
            "@id": suite,
            "@type": "SoftwareApplication",
            "name": "batchnorm-repro",
            "softwareVersion": made["suite"]["version"],
            "identifier": f"sha256 of the judging code: {made['suite']['judging_code_sha256']}",
        },
        {
            "@id": "#judging",
            "@type": "CreateAction",
            "name": f"Judging {len(made['judgements'])} checks and rendering the report",
            "description": "Every verdict is a function of a claim's frozen rule and the stored runs.",
            "instrument": {"@id": suite},
            "object": [{"@id": name} for name, _ in _named(made["data"])],
            "result": ids,
            "endTime": date,
        },
        *_datasets(made),
        *works,
        *files,
    ]
    return json.dumps({"@context": CONTEXTS, "@graph": graph}, indent=1, ensure_ascii=False) + "\n"


def _file(path: Path, kind: str, about: str) -> Json:
    content = path.read_bytes()
    return {
        "@id": path.name,
        "@type": "File",
        "name": path.name,
        "description": about,
        "encodingFormat": kind,
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _datasets(made: Json) -> list[Json]:
    """The data that runs read, each set with its fingerprints once: some are drawn anew for every seed."""
    return [
        {
            "@id": name,
            "@type": "CreativeWork",
            "name": one["dataset"],
            "identifier": [f"sha256 of {split}: {digest}" for split, digest in sorted(one["fingerprints"].items())],
        }
        for name, one in _named(made["data"])
    ]


def _named(data: Sequence[Json]) -> list[tuple[str, Json]]:
    """The data sets with an id each: where one name stands for several, numbered."""
    names = Counter(one["dataset"] for one in data)
    seen = Counter[str]()
    found = []
    for one in sorted(data, key=lambda one: (one["dataset"], sorted(one["fingerprints"].items()))):
        seen[one["dataset"]] += 1
        number = f"-{seen[one['dataset']]}" if names[one["dataset"]] > 1 else ""
        found.append((f"#data-{one['dataset']}{number}", one))
    return found


def _work(work: Json, index: int) -> Json:
    return {
        "@id": work["url"] or f"#work-{index}",
        "@type": "ScholarlyArticle" if work["authors"] else "CreativeWork",
        "name": work["title"],
        "author": "; ".join(work["authors"]),
        "datePublished": str(work["year"]),
        "isPartOf": work["venue"],
    }
