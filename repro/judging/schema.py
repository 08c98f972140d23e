"""The JSON Schema of a tree of dataclasses, and the first place where a JSON value departs from one.

Fields are described by the comments on their lines, so that a description stands once.
"""

import dataclasses
import inspect
import re
import types
from collections.abc import Iterator
from enum import EnumMeta
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Json = dict[str, Any]
SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema(kind: type, title: str) -> Json:
    """JSON Schema (2020-12) of a dataclass; every other dataclass in it is a definition of its own."""
    definitions: dict[str, Json] = {}
    top = _object(kind, definitions)
    ordered = dict(sorted(definitions.items()))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **top, "$defs": ordered}


def fault(kind: Any, value: Any, where: str = "") -> str:
    """The first place where a JSON value is not of a type, in a few words; "" where it is."""
    return next(_faults(kind, value, where), "")


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


def _faults(kind: Any, value: Any, where: str) -> Iterator[str]:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return
    if dataclasses.is_dataclass(kind):
        yield from _object_faults(kind, value, where)
    elif isinstance(kind, EnumMeta) or origin is Literal:
        allowed = list(kind) if isinstance(kind, EnumMeta) else list(arguments)
        if value not in allowed or type(value) is bool:
            yield f"{where} is {_short(value)}"
    elif origin in (Union, types.UnionType):
        faults = [fault(one, value, where) for one in arguments]
        if all(faults):
            yield max(faults, key=_depth)  # of the alternative that fits best
    elif origin is tuple:
        if not isinstance(value, list) or (arguments[-1] is not ... and len(value) != len(arguments)):
            yield f"{where} is {_short(value)}"
            return
        kinds = [arguments[0]] * len(value) if arguments[-1] is ... else arguments
        for index, (one, item) in enumerate(zip(kinds, value, strict=True)):
            yield from _faults(_or_null(one) if arguments[-1] is not ... else one, item, f"{where}[{index}]")
    elif origin is dict:
        if not isinstance(value, dict):
            yield f"{where} is {_short(value)}"
            return
        for name, item in value.items():
            yield from _faults(arguments[1], item, f"{where}.{name}")
    elif type(value) is not kind and not (kind is float and type(value) is int):
        yield f"{where} is {_short(value)}"


def _object_faults(kind: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where or 'it'} is {_short(value)}"
        return
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    prefix = f"{where}." if where else ""
    yield from (f"{prefix}{name} is missing" for name in names if name not in value)
    yield from (f"{prefix}{name} is unknown" for name in value if name not in names)
    for name in names:
        if name in value:
            yield from _faults(hints[name], value[name], prefix + name)


def _or_null(kind: Any) -> Any:
    """An end of an interval, which is null where it is infinite."""
    return kind | None if kind is float else kind


def _depth(fault: str) -> int:
    return len(fault.partition(" ")[0])


def _short(value: Any) -> str:
    return f"of type {type(value).__name__}" if isinstance(value, dict | list) else repr(value)[:60]


def _object(kind: Any, definitions: dict[str, Json]) -> Json:
    told, hints = descriptions(kind), get_type_hints(kind)
    fields = [field.name for field in dataclasses.fields(kind)]
    described = {
        name: {**_schema(hints[name], definitions), **({"description": told[name]} if name in told else {})}
        for name in fields
    }
    return {
        "description": inspect.getdoc(kind).splitlines()[0],  # type: ignore[union-attr]
        "type": "object",
        "properties": described,
        "required": sorted(fields),
        "additionalProperties": False,
    }


def _schema(kind: Any, definitions: dict[str, Json]) -> Json:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return {}
    if kind in SIMPLE:
        return {"type": SIMPLE[kind]}
    if dataclasses.is_dataclass(kind):
        name = kind.__name__  # type: ignore[union-attr]
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{name}"}
    if isinstance(kind, EnumMeta):
        return {"enum": list(map(str, kind))}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one, definitions) for one in arguments]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if arguments[-1] is ...:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    items = [_schema(_or_null(one), definitions) for one in arguments]
    return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
