"""Ids of claims with their sentences, read off the syntax trees of claim files without importing them: in 0.1 s."""

import ast
from collections.abc import Iterator
from pathlib import Path


def ids(folder: Path) -> dict[str, str]:
    """Sentence by id of every claim in the claim files of a folder; files that cannot be parsed are left out."""
    found = {}
    for file in sorted(folder.glob("*/*.py")):
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
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
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "claim":
                yield one
