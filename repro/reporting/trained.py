"""What was trained, in a few words: the networks of some runs, and their data."""

import re
from collections.abc import Iterable, Mapping

FAMILIES = {  # as readers know them, the longer names first
    "residual-mlp": "residual MLP", "pooling-cnn": "pooling CNN", "gradient-boosting": "gradient boosting",
    "real-adaboost": "Real AdaBoost", "adaboost-m1": "AdaBoost.M1",
    "resnet": "ResNet", "wrn": "WRN", "mlp": "MLP", "cnn": "CNN", "gru": "GRU",
}  # fmt: skip


def spelled(text: str) -> str:
    """A text with its networks as readers know them: ResNet-14 for resnet-14."""
    return re.sub(rf"(?<![\w-])({'|'.join(FAMILIES)})(?=-\d)", lambda found: FAMILIES[found[1]], text)


def networks(names: Iterable[str]) -> str:
    """The networks of runs of these names, such as ResNet-8, 14, 20; WRN-8-2, 4."""
    sizes: dict[str, list[int]] = {}
    whole = []
    for name in sorted({name.partition(" ")[0] for name in names}):
        found = re.fullmatch(r"(.+)-(\d+)", name)
        if found:
            sizes.setdefault(found[1], []).append(int(found[2]))
        else:
            whole.append(name)
    parts = [f"{family}-{_numbers(sorted(numbers))}" for family, numbers in sizes.items()]
    return spelled("; ".join([*parts, *whole]))


def _numbers(numbers: list[int]) -> str:
    listed = [str(number) for number in numbers]
    return ", ".join(listed) if len(listed) <= 5 else f"{', '.join(listed[:2])} … {listed[-1]}"


def on(runs: Mapping[str, str], data: Mapping[str, str]) -> str:
    """Networks and data of some runs, names by key, such as ``ResNet-8, 14 on digits``.

    ``data`` is that of the trained runs, by key; where there is none, networks were only built.
    """
    on_set: dict[str, list[str]] = {}
    for key, name in runs.items():
        on_set.setdefault(data.get(key, ""), []).append(name)
    if len(on_set.keys() - {""}) < 2:  # networks that were only built are named beside those trained on the same data
        named = networks(runs.values())
        sets = [dataset for dataset in on_set if dataset]
        return f"{named} on {sets[0]}" if sets else f"{named}, built" if named else ""
    return "; ".join(f"{networks(names)} on {dataset}" for dataset, names in sorted(on_set.items()) if dataset)
