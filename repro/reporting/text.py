"""Numbers, points and texts as the report shows them."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

from repro.compare.finding import rounded
from repro.planning.quantities import counted
from repro.reporting.trained import spelled


def number(value: float | None, unit: str = "") -> str:
    """A filter: a measured number, shares to three digits and all else to two; a dash if there is none."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if abs(value) >= 1e7:
        return f"{value:.2e}".replace("-", "−")
    return rounded(value, unit)


def hours(value: float) -> str:
    """A filter: core-hours in a readable unit."""
    if value < 1 / 60:
        return "a minute on one core"
    if (minutes := round(60 * value)) < 60:
        return f"{counted(minutes, 'minute')} on one core"
    if value < 100:
        return f"{value:,.1f} core-hours"
    years = f" ({value / 8766:,.0f} core-years)" if value > 2 * 8766 else ""
    return f"{float(f'{value:.3g}'):,.0f} core-hours{years}"


def duration(seconds: float) -> str:
    """Seconds in a readable unit."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{seconds / 60:.1f} minutes"


def probability(value: float | None) -> str:
    """A filter: a p-value to two digits, never rounded to 0 or 1."""
    if value is None:
        return "–"
    if value < 0.001:
        return "< 0.001"
    return "> 0.99" if 0.99 < value < 1 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def point(row: dict[str, Any]) -> str:
    """The parameters of a row, such as ``depth 14``, without those that are its rule's, such as a gap."""
    return in_words(row["params"], row["criterion"]["rule"]) or "all"


def in_words(params: Mapping[str, Any], rule: Container[str]) -> str:
    """Parameters of a point, such as ``depth 14, width 2``, without those that are its rule's; "" if none are left."""
    own = {name.replace("_", " "): words(value) for name, value in params.items() if name not in rule}
    return ", ".join(text if text.endswith(f" {name}") else f"{name} {text}" for name, text in own.items())


def words(value: Any) -> str:
    """A JSON value as text."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def difference(label: str) -> str:
    """A label of a difference, with what both sides begin or end with said once: ``a, x − b, x`` is ``a − b, x``."""
    label = re.sub(r"^(.+), (.+) − \1, (.+)$", r"\1: \2 − \3", label)
    return re.sub(r"^(.+), (.+) − (.+), \2$", r"\1 − \3, \2", label)


def short(text: str) -> str:
    """A text with its SHA-256 values cut to their first twelve digits."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", text)


def tallied(texts: Iterable[str]) -> list[tuple[str, int]]:
    """Each text once, in order, with its count."""
    return sorted(Counter(texts).items())


def gathered(texts: Iterable[str]) -> list[tuple[str, int]]:
    """As ``tallied``, with the networks that have no point of a control in one text."""
    names: dict[str, set[str]] = {}
    counts = Counter[str]()
    for text in texts:
        head, no_point, listed = text.partition(": no point for ")
        counts[head + no_point] += 1
        names.setdefault(head + no_point, set()).update(listed.split(", ") if no_point else ())
    texts = {head: head + ", ".join(sorted(names[head], key=_by_number)) for head in counts}
    return [(spelled(texts[head]), count) for head, count in sorted(counts.items())]


def _by_number(name: str) -> list[tuple[int, str]]:
    """A key that sorts resnet-8 before resnet-14."""
    return [(int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def plain(value: Any) -> Any:
    """A JSON value whose texts hold only characters that HTML, XML and UTF-8 allow."""
    if isinstance(value, str):
        return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]", "\ufffd", value)
    if isinstance(value, dict):
        return {plain(name): plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
