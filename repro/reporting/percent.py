"""Shares as a reader reads them: percent, and their differences in points."""

import re
from typing import Any

Json = dict[str, Any]

# A share in a sentence; thresholds ("< 0.01") and p-values stay as they are.
SHARE = re.compile(r"(?<!< )(?<!≤ )(?<!p = )(?<!opposite )(?<!judged at )(?<![\d.])(\d\.\d+)(?!\d|\.\d| %| points|%)")


def in_percent(row: Json) -> Json:
    """A judgement whose shares are percentages."""
    findings = [_finding(finding, row["criterion"]["rule"]["kind"]) for finding in row["findings"]]
    if findings == row["findings"]:
        return row
    kind = row["criterion"]["rule"]["kind"]
    return {**row, "findings": findings, "why": _words(row["why"], kind in "OTN")}


def _finding(finding: Json, kind: str) -> Json:
    if finding["unit"] != "share" and {sample["unit"] for sample in finding["samples"]} != {"share"}:
        return finding
    apart = kind in "OTN"
    texts = {name: _words(finding[name], apart) for name in ("expected", "measured", "why", "would_change")}
    texts["would_change"] = _words(finding["would_change"], apart or "any margin" in finding["would_change"])
    texts["measured"] = _words(finding["measured"], kind in "ON")
    numbers = {
        name: _times(finding[name])
        for name in ("estimate", "interval", "prediction", "criterion", "reference", "flips")
    }
    samples = [
        {**sample, "values": _times(sample["values"]), "unit": "%"} if sample["unit"] == "share" else sample
        for sample in finding["samples"]
    ]
    return {**finding, **texts, **numbers, "samples": samples, "unit": "points" if apart else "%"}


def _times(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_times(one) for one in value]
    return None if value is None else round(100 * value, 9)


def _words(text: str, apart: bool) -> str:
    """A sentence whose shares are percentages, or points where they are differences, as behind ±.

    An interval has no unit.
    """

    def bare(match: re.Match[str]) -> str:
        places = max(1, len(match[1].partition(".")[2]) - 2)
        return f"{100 * float(match[1]):.{places}f}".removesuffix(".0")

    def whole(match: re.Match[str]) -> str:
        before, after = match.string[: match.start()], match.string[match.end() :]
        if before.rfind("[") > before.rfind("]"):
            return bare(match)
        level = before.endswith("→ ") or after.startswith(" →")
        number = bare(match)
        difference = before.endswith("± ") or (apart and not level)
        return number + ((" point" if number == "1" else " points") if difference else " %")

    return SHARE.sub(whole, text)
