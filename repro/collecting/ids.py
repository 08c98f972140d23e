"""Ids of claims, with their sentences and files, read off the syntax trees of claim files, which are not imported."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from repro.provenance import folder


def ids(place: Path) -> dict[str, str]:
    """Sentence by id of every claim in the claim files of a folder; files that cannot be parsed are left out."""
    return {name: text for file in sorted(place.glob("*/*.py")) for name, text in _sentences(_content(file)).items()}


def defining(name: str, work: Path) -> list[Path]:
    """The claim files that define an id: in the folder of a work, in folders beside that, among our controls."""
    near = [*work.parent.glob("*/*.py"), *(folder("claims") / "controls").glob("*.py")]
    read = ((path, _content(path)) for path in near)
    return [path for path, text in read if name.encode() in text and name in _sentences(text)]  # few are parsed


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


@cache  # a plan asks for the same files several times
def _sentences(content: bytes) -> dict[str, str]:
    """Sentence by id of the claims in the text of a file."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return {}
    found = {}
    for call in _claims(tree):
        words = {
            word.arg: word.value.value
            for word in call.keywords
            if isinstance(word.value, ast.Constant) and isinstance(word.value.value, str)
        }
        if words.get("id"):
            found[words["id"]] = words.get("sentence", "")
    return found


def _claims(tree: ast.Module) -> Iterator[ast.Call]:
    for function in tree.body:
        for one in function.decorator_list if isinstance(function, ast.FunctionDef) else ():
            if isinstance(one, ast.Call) and ast.unparse(one.func).rpartition(".")[2] == "claim":
                yield one
