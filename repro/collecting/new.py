"""A new work: a folder of claims with a source, one claim and its recipe, which runs at smoke as it is."""

import re
import shutil
from pathlib import Path

from repro.claim import CONTROL
from repro.errors import ClaimError
from repro.runs.files import explain_write_errors

SOURCE = """# The paper, as its report names it. title, short, authors, venue and year are required; url, versions,
# companion_to, order, columns, [tags], [scales], [protocol], [[setting]], [[disagreement]] and [[remark]] may be added:
# see claims/TUTORIAL.md.
title = "Title of the paper"
short = "A short title"
authors = ["First Author", "Second Author"]
venue = "Where it appeared"
year = 2024
"""

CLAIM = '''"""One claim of {key}, to be replaced by a sentence of the paper."""

from repro.claim import Source, claim
from repro.compare import Ordering
from repro.recipes import sequence


# The recipe: which runs the claim needs. It names every arm of the comparison and the run of one seed of it, at each
# scale. The runs of this example are a linear and a nonlinear network on MNIST-1D, seconds on one core each.
def runs(scale, seed):
    return {{
        "linear": sequence(scale, seed, "logistic"),
        "nonlinear": sequence(scale, seed, "residual-mlp"),
    }}


@claim(
    id="{id}-nonlinear-is-better",
    sentence="A nonlinear network does better than a linear one.",
    source=Source(work="{key}", place="Figure 1", tag="P", reference="above"),
    # Decide the gap and its reason before the first run: they are hashed with it.
    rule=Ordering(gap=0.0, reason="the sentence gives a direction and no size"),
    grid={{"smoke": ({{}},), "pilot": (), "paper": ({{}},)}},
    runs=runs,
    depends_on=("control-judge", "m1d-control-data", "m1d-control-shuffled-labels"),
    testable={{"smoke": "the sentence is about such networks", "paper": "the paper's own networks and data"}},
    untestable={{"pilot": "smoke and paper are cheap enough"}},
)
def test_nonlinear_is_better(evidence):
    evidence.find(higher=evidence.accuracy("nonlinear"), lower=evidence.accuracy("linear"))
'''


def write_work(key: str, claims: Path) -> list[Path]:
    """Writes the folder of a new work, never into an existing one; returns its files.

    Raises:
        ClaimError: the key cannot name a folder and a claim, or there is such a folder.
        StoreError: it cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", key):
        raise ClaimError(
            f"{key!r} cannot name a work; allowed are lower-case letters, digits and '-' in between, by custom first "
            "author and year: doe2024."
        )
    if key == CONTROL:
        raise ClaimError(f"{key!r} marks the claims that others depend on; name the work otherwise.")
    folder = claims / key
    if folder.exists():
        raise ClaimError(f"{folder} exists already; name another work, or delete it.")
    files = {
        folder / "source.toml": SOURCE,
        folder / "first_claim.py": CLAIM.format(key=key, id=key),
    }
    with explain_write_errors(folder):
        folder.mkdir(parents=True)
        try:
            for path, text in files.items():
                path.write_text(text, "utf-8")
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return list(files)
