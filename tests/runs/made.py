"""What several tests of the store look into."""

import io
import tarfile

from repro.recipes import cifar

SPECS = [cifar("smoke", seed, depth=8) for seed in range(3)]
SPEC = SPECS[0]


def current(folder):
    """The lease of a folder."""
    (path,) = folder.glob("lease.*")
    return path


def digests(store):
    return {run.spec.key: run.sha256 for run in store.runs()}


def pack(file, members):
    """An export with any members: name to content."""
    with tarfile.open(file, "w:xz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def content(folder):
    return {f"{folder.name}/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*.*")}
