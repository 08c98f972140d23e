"""verdicts.schema.json, written by `make schema`, and the first place where a JSON value departs from it.

msgspec makes both out of the document's dataclasses. Of a dataclass it would accept unknown fields and fill in missing
ones, so each is first made a struct that does neither. The comment on a field's line is its description.
"""

import dataclasses
import inspect
import re
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from repro.judging.document_types import SCHEMA_VERSION, Document
from repro.provenance import PACKAGE
from repro.runs.files import write

# msgspec is imported late: most commands validate nothing.
Json = dict[str, Any]
FILE = PACKAGE / "judging" / "verdicts.schema.json"


def schema() -> Json:
    """The JSON Schema (2020-12) of verdicts.json; every dataclass in it is a definition of its own."""
    import msgspec

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:repro:verdicts.json:{SCHEMA_VERSION}",
        "title": f"verdicts.json, version {SCHEMA_VERSION}",
        **msgspec.json.schema(_strict(Document)),
    }


def fault(made: Any) -> str:
    """The first place where a JSON value is no document, in msgspec's words; "" where it is one."""
    import msgspec

    try:
        msgspec.convert(made, _strict(Document))
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def descriptions(kind: type) -> dict[str, str]:
    """The comment on each field's line."""
    found = {}
    names = {field.name for field in dataclasses.fields(kind)}
    for base in reversed(kind.__mro__[:-1]):
        for line in inspect.getsource(base).splitlines():
            match = re.fullmatch(r"    (\w+): [^#]*  # (.+)", line)
            if match and match[1] in names:
                found[match[1]] = match[2]
    return found


@cache
def _strict(kind: Any) -> Any:
    """A type whose dataclasses are structs: every field is required and described, and no other is allowed."""
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _struct(kind)  # type: ignore[arg-type]
    if origin in (Union, UnionType):
        return Union[tuple(map(_strict, arguments))]  # noqa: UP007
    if origin is tuple and arguments[-1] is not ...:  # an interval, whose infinite end is null
        return tuple[tuple(one | None if one is float else _strict(one) for one in arguments)]  # type: ignore[misc]
    if origin in (tuple, dict):
        return origin[tuple(one if one is ... else _strict(one) for one in arguments)]
    return kind


def _struct(kind: type) -> Any:
    from msgspec import Meta, defstruct

    described, hints = descriptions(kind), get_type_hints(kind)
    fields = [
        (field.name, Annotated[_strict(hints[field.name]), Meta(description=described.get(field.name))])
        for field in dataclasses.fields(kind)
    ]
    first_line = inspect.getdoc(kind).splitlines()[0]  # type: ignore[union-attr]
    return defstruct(kind.__name__, fields, namespace={"__doc__": first_line}, forbid_unknown_fields=True)


if __name__ == "__main__":
    import json

    write(FILE, (json.dumps(schema(), indent=1, ensure_ascii=False) + "\n").encode())
