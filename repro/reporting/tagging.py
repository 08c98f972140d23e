"""The tags of a PDF, mended before it is written: what PDF/UA asks for and WeasyPrint leaves out.

Paragraphs are those of ISO 14289-1, PDF/UA-1; the index of identifiers is from ISO 32000-1, 14.7.2.
"""

from collections.abc import Iterator
from typing import Any

PRINTED = 4  # the flag of an annotation that is shown on paper as on screen


def finish(_: Any, made: Any) -> None:
    """Mends a document that WeasyPrint has made, a pydyf.PDF."""
    root = made.objects[_number(made.catalog["StructTreeRoot"])]
    elements = {one.reference: one for one in _dictionaries(made) if "S" in one and "P" in one}
    _scopes(elements)
    _index(made, root, elements)
    _artifacts(made, root, elements)
    for one in _dictionaries(made):
        if one.get("Type") == "/Annot":
            one["F"] = PRINTED  # 7.18.1


def _dictionaries(made: Any) -> list[Any]:
    return [one for one in made.objects if isinstance(one, dict)]


def _scopes(elements: dict[bytes, Any]) -> None:
    """Gives every table header its scope (7.5); its identifier, by which cells name it, not every reader follows.

    A header in a table's head, or across columns, is of columns, any other of its row: as the templates' ``scope``.
    """
    for one in elements.values():
        if one["S"] == "/TH":
            group = elements[elements[one["P"]]["P"]]["S"]
            one["A"]["Scope"] = "/Column" if group == "/THead" or one["A"].get("ColSpan", 1) > 1 else "/Row"


def _index(made: Any, root: Any, elements: dict[bytes, Any]) -> None:
    """Adds the index of identifiers, which is required where there are any."""
    import pydyf

    named = sorted((one["ID"].data, one["ID"], one.reference) for one in elements.values() if "ID" in one)
    if named:
        tree = pydyf.Dictionary({"Names": pydyf.Array([part for _, *pair in named for part in pair])})
        made.add_object(tree)
        root["IDTree"] = tree.reference


def _artifacts(made: Any, root: Any, elements: dict[bytes, Any]) -> None:
    """Marks running heads and page numbers, and the spaces between a list's entries, as no content (7.1, 7.6, 7.8)."""
    import pydyf

    for one in elements.values():
        if one["S"] == "/L":
            one["K"][:] = [kid for kid in one["K"] if elements[kid]["S"] in ("/LI", "/L", "/Caption")]
    kept = set(_below(root["K"], elements))
    parents = made.objects[_number(root["ParentTree"])]["Nums"]
    of_page = dict(zip(parents[::2], parents[1::2], strict=True))
    for page in [one for one in _dictionaries(made) if one.get("Type") == "/Page"]:
        content, owners = made.objects[_number(page["Contents"])].stream, of_page[page["StructParents"]]
        for at, operator in enumerate(content):
            if operator == b"BDC" and isinstance(content[at - 1], dict) and "MCID" in content[at - 1]:
                mark = content[at - 1]["MCID"]
                if owners[mark] not in kept:
                    content[at - 2 : at] = ["/Artifact", pydyf.Dictionary({"Type": "/Pagination"})]
                    owners[mark] = "null"
    for reference in elements.keys() - kept:
        elements[reference].clear()


def _below(kids: Any, elements: dict[bytes, Any]) -> Iterator[bytes]:
    """The references of elements in a tree."""
    rest = list(kids)
    while rest:
        one = rest.pop()
        if one in elements:
            yield one
            rest += elements[one].get("K", ())


def _number(reference: bytes) -> int:
    return int(reference.split()[0])
