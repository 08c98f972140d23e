"""The import order of DESIGN, read off the syntax trees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A module may import only from layers before its own, or, in training, what training names.
LAYERS = [
    {"errors", "datasets", "provenance", "lease"},
    {"spec"},
    {"recipes", "statistics", "cost", "store", "cluster.profile", "cluster.scheduler"},
    {"compare", "cluster.ledger"},
    {"claim", "cluster.hours", "cluster.deaths"},
    {"plan", "evidence", "transfer", "pool", "cluster.fate"},
    {"verdict", "cluster.elements"},
    {"judge", "cluster.pilot"},
    {"document", "execute", "explain", "cluster.status"},
    {"figures"},
    {"report", "plugin", "doctor"},
    {"collect", "progress", "cluster.choice"},
    {"cluster.submit"},
    {"cluster.rounds", "cluster.survey"},
    {"cluster.job"},
    {"cluster.commands"},
    {"commands"},
    {"cli"},
]
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
# Imported where it is used, so that planning needs neither torch nor the heavier modules.
LATE = {
    ("plugin", "execute"), ("pool", "training"), ("doctor", "training"), ("commands", "training"),
    ("cluster.pilot", "training"), ("cluster.job", "training"),
    # What submits names what runs in the job.
    ("cluster.submit", "cluster.job"), ("cluster.survey", "cluster.job"),
}  # fmt: skip
HEAVY = {
    "submitit",
    "torch",
    "torchvision",
    "scipy",
    "sklearn",
    "matplotlib",
    "weasyprint",
    "pyarrow",
    "PIL",
    "tqdm",
    "hypothesis",
}


def imported(path, top_level_only=False):
    """Names of the modules that a file imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def siblings(names):
    parts = [name.split(".")[1:] for name in names if name.startswith("repro.")]
    return {".".join(part[:length]) for part in parts for length in (1, 2)} & (set(LAYER) | {"training"})


def modules():
    paths = [*(ROOT / "repro").glob("*.py"), *(ROOT / "repro" / "cluster").glob("*.py")]
    return [path for path in sorted(paths) if path.stem != "__init__"]


def dotted(path):
    return ".".join(path.relative_to(ROOT / "repro").with_suffix("").parts)


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_a_module_imports_only_from_layers_before_it(path):
    for name in siblings(imported(path)):
        if (dotted(path), name) not in LATE:
            assert LAYER[name] < LAYER[dotted(path)], f"{dotted(path)} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_nothing_outside_training_imports_torch_or_anything_slow_at_the_top(path):
    late = {"report", "figures"}
    found = {name.split(".")[0] for name in imported(path, top_level_only=True)} & HEAVY
    assert not found or path.stem in late


def test_training_imports_only_what_a_gpu_machine_has():
    allowed = {"errors", "spec", "store", "lease", "datasets", "provenance", "training"}
    for path in (ROOT / "repro" / "training").rglob("*.py"):
        assert siblings(imported(path)) <= allowed, path.name
        others = {name.split(".")[0] for name in imported(path)} & {"submitit", "weasyprint", "jinja2", "pytest"}
        assert not others, path.name


def test_claims_import_recipes_claim_and_compare_alone():
    for path in (ROOT / "claims").rglob("*.py"):
        assert siblings(imported(path)) <= {"recipes", "claim", "compare"}, path.name
        assert {name.split(".")[0] for name in imported(path)} <= {"repro", "math"}, path.name


def test_nothing_imports_claims():
    for path in (ROOT / "repro").rglob("*.py"):
        assert not any(name.split(".")[0] == "claims" for name in imported(path)), path.name


def test_every_module_says_in_its_first_line_what_leaves_it():
    for path in [*(ROOT / "repro").rglob("*.py"), *(ROOT / "claims").rglob("*.py")]:
        assert ast.get_docstring(ast.parse(path.read_text())), path
