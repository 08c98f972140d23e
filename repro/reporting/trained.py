"""What was trained, in a few words: the networks of some runs, and their data."""

import re
from collections.abc import Iterable, Mapping


def networks(names: Iterable[str]) -> str:
    """The networks of runs of these names, such as resnet-8, 14, 20; wrn-8-2, 4."""
    sizes: dict[str, list[int]] = {}
    whole = []
    for name in sorted({name.partition(" ")[0] for name in names}):
        found = re.fullmatch(r"(.+)-(\d+)", name)
        if found:
            sizes.setdefault(found[1], []).append(int(found[2]))
        else:
            whole.append(name)
    parts = [f"{family}-{_numbers(sorted(numbers))}" for family, numbers in sizes.items()]
    return "; ".join([*parts, *whole])


def _numbers(numbers: list[int]) -> str:
    listed = [str(number) for number in numbers]
    return ", ".join(listed) if len(listed) <= 5 else f"{', '.join(listed[:2])} … {listed[-1]}"


def on(runs: Mapping[str, str], data: Mapping[str, str]) -> str:
    """Networks and data of some runs, names by key, such as ``resnet-8, 14 on digits``.

    ``data`` is that of the trained runs, by key; where there is none, networks were only built.
    """
    named = networks(runs.values())
    sets = sorted({data[key] for key in runs if key in data})
    return f"{named} on {', '.join(sets)}" if named and sets else f"{named}, built" if named else ""
