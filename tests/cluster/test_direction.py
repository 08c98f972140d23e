"""The modules of the cluster room import each other one way, wherever in a file the import stands."""

import ast
import graphlib
from pathlib import Path

ROOM = Path(__file__).parents[2] / "repro" / "cluster"


def imported(path):
    """The modules of the room that a file imports, at the top or in a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "repro.cluster":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("repro.cluster."):
            yield node.module.split(".")[2]


def test_there_is_no_circle():
    graph = {path.stem: set(imported(path)) for path in ROOM.glob("*.py")}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert order.index("ledger") < order.index("snapshot") < order.index("submit") < order.index("rounds")


def test_no_import_of_the_room_is_late():
    for path in ROOM.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                late = [one.module for one in ast.walk(function) if isinstance(one, ast.ImportFrom)]
                assert not any((name or "").startswith("repro.cluster") for name in late), path.name
