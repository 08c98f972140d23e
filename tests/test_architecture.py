"""The rooms and who may enter which, read off the syntax trees."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The way of the data: a room imports from rooms before its own, and from itself.
ROOMS = [
    "errors", "provenance", "runs", "recipes", "statistics", "compare", "claim", "check", "collecting", "planning",
    "training", "executing", "judging", "cluster", "reporting", "cli",
]  # fmt: skip
HEAVY = {
    "submitit",
    "torch",
    "torchvision",
    "triton",
    "scipy",
    "sklearn",
    "matplotlib",
    "weasyprint",
    "pyarrow",
    "PIL",
    "tqdm",
    "hypothesis",
    "msgspec",
}


def imported(path, top_level_only=False):
    """Names of the modules that a file imports, by statement or by ``import_module`` of a constant."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (one.value for one in node.args if isinstance(one, ast.Constant))


def rooms(names):
    return {name.split(".")[1] for name in names if name.startswith("repro.")} & set(ROOMS)


def room(path):
    return path.relative_to(ROOT / "repro").parts[0].removesuffix(".py")


def modules():
    return [path for path in sorted((ROOT / "repro").rglob("*.py")) if path.parent.name != "bundled"]


def dotted(path):
    return ".".join(path.relative_to(ROOT / "repro").with_suffix("").parts)


def test_every_room_is_named():
    assert {room(path) for path in modules()} - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("path", [path for path in modules() if room(path) != "__init__"], ids=dotted)
def test_a_room_imports_only_from_rooms_before_it(path):
    for name in rooms(imported(path)) - {room(path)}:
        assert ROOMS.index(name) < ROOMS.index(room(path)), f"{dotted(path)} imports {name}"


@pytest.mark.parametrize("path", [path for path in modules() if room(path) != "training"], ids=dotted)
def test_nothing_outside_training_imports_torch_or_anything_slow_at_the_top(path):
    found = {name.split(".")[0] for name in imported(path, top_level_only=True)} & HEAVY
    assert not found or room(path) == "reporting"


@pytest.mark.parametrize("path", [path for path in modules() if room(path) != "training"], ids=dotted)
def test_only_training_imports_torch(path):
    assert not {name.split(".")[0] for name in imported(path)} & {"torch", "torchvision", "triton"}


def test_only_steps_over_fused_blocks_import_triton():
    """Not every platform has it, and a run on a CPU has no use for it."""
    at_the_top = {path.name: set(imported(path, top_level_only=True)) for path in (ROOT / "repro").rglob("*.py")}
    for name, module in (
        ("kernels.py", "triton"),
        ("fused.py", "repro.training.kernels"),
        (None, "repro.training.fused"),
    ):
        assert {file for file, names in at_the_top.items() if module in names} == ({name} if name else set())


def test_training_imports_only_what_a_gpu_machine_has():
    for path in (ROOT / "repro" / "training").rglob("*.py"):
        assert rooms(imported(path)) <= {"errors", "provenance", "runs", "training"}, path.name
        others = {name.split(".")[0] for name in imported(path)} & {
            "submitit",
            "weasyprint",
            "jinja2",
            "pytest",
            "msgspec",
        }
        assert not others, path.name


def test_claims_import_the_words_of_a_claim_alone():
    for path in (ROOT / "claims").rglob("*.py"):
        assert rooms(imported(path)) <= {"recipes", "claim", "compare", "statistics"}, path.name
        assert {name.split(".")[0] for name in imported(path)} <= {"repro", "math"}, path.name


def test_nothing_imports_claims():
    for path in (ROOT / "repro").rglob("*.py"):
        assert not any(name.split(".")[0] == "claims" for name in imported(path)), path.name


def test_every_module_says_in_its_first_line_what_leaves_it():
    for path in [*(ROOT / "repro").rglob("*.py"), *(ROOT / "claims").rglob("*.py")]:
        assert ast.get_docstring(ast.parse(path.read_text())), path


# What is hashed or judged.
VALUES = ("runs", "statistics", "compare", "planning", "judging", "recipes", "claim", "check")


def test_values_that_are_hashed_or_judged_are_frozen_and_made_by_keyword():
    made = {}
    for room in VALUES:
        for path in [*(ROOT / "repro").glob(f"{room}.py"), *(ROOT / "repro").glob(f"{room}/*.py")]:
            for node in ast.walk(ast.parse(path.read_text())):
                for call in node.decorator_list if isinstance(node, ast.ClassDef) else ():
                    if "dataclass" in ast.unparse(call):
                        made[f"{path.stem}.{node.name}"] = ast.unparse(call)
    assert {name for name, call in made.items() if call != "dataclass(frozen=True, kw_only=True)"} == {
        "run.Run",  # made in one place, of fields in the order of its docstring
        "store.Store",  # a path, with a name
    }
    assert made["run.Run"] == made["store.Store"] == "dataclass(frozen=True)"
    assert len(made) > 30


def test_only_what_trains_or_compares_cites_a_paper():
    """What collects, plans, judges and reports is for claims of any paper."""
    citing = {"training", "runs", "compare", "recipes"}  # their docstrings name sources
    rooms = ROOT / "repro"
    files = [path for path in rooms.rglob("*.py") if path.relative_to(rooms).parts[0] not in citing]
    named = re.compile(r"frankle|thebatch|peerthum|greydanus|hastie20|training batchnorm|iclr 2021", re.IGNORECASE)
    for path in [*files, *(ROOT / "report_templates").iterdir()]:
        assert not named.search(path.read_text("utf-8")), path
