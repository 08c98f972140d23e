"""Rules without statistics: equality, a number as printed, a printed maximum."""

import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import ClassVar, Literal

from repro.compare.finding import Finding, Outcome
from repro.errors import ClaimError
from repro.statistics import Levels

How = Literal["rounded", "rounded twice", "truncated", "differs"]
SCALES = {"K": 3, "M": 6}
LONGER = 3  # digits more than printed at which a number may have been rounded before


@dataclass(frozen=True, kw_only=True)
class Exact:
    """X: equality of a count or a word with its reference, no statistics."""

    kind: ClassVar[str] = "X"
    name: ClassVar[str] = "Exact"
    reason: str

    def compare(self, *, levels: Levels, label: str, measured: int | str, reference: int | str) -> Finding:  # noqa: ARG002
        """ESTABLISHED when equal, otherwise RULED_OUT."""
        equal = measured == reference
        return Finding(
            label=label,
            expected=str(reference),
            measured=str(measured),
            outcome=Outcome.ESTABLISHED if equal else Outcome.RULED_OUT,
            why=f"{label}: {_short(measured)} {'equals' if equal else 'is not'} {_short(reference)}.",
            would_change="Any other reference would be ruled out."
            if equal
            else f"Only {_short(measured)} would agree.",
        )


def _short(value: int | str) -> str:
    """A value as a sentence has it: of a SHA-256 its first twelve digits."""
    text = str(value)
    return f"{text[:12]}…" if re.fullmatch(r"[0-9a-f]{64}", text) else text


@dataclass(frozen=True, kw_only=True)
class Printed:
    """X for a number as printed ("1.73M", "0.64"): it agrees when it is the exact one rounded to the printed digits."""

    kind: ClassVar[str] = "X"
    name: ClassVar[str] = "Printed"
    reason: str

    def compare(
        self,
        *,
        levels: Levels,  # noqa: ARG002
        label: str,
        measured: float,
        printed: str,
        implied: float | None = None,
    ) -> Finding:
        """ESTABLISHED when it rounds to the printed number, RULED_OUT when it does not, but for slips of the source.

        SOURCE_ERROR: it agrees only by truncation, or only when it is rounded twice, or the source contradicts itself:
        ``implied``, the same number computed from what the source prints elsewhere, does not give the printed one
        either.
        """
        how = agreement(measured, printed)
        shown, own = _number(measured), implied == measured
        rounded = as_printed(measured, printed)
        match how:
            case "rounded":
                outcome, words = Outcome.ESTABLISHED, f"rounds to {printed}"
            case "truncated":
                outcome, words = Outcome.SOURCE_ERROR, f"agrees with {printed} only by truncation"
            case "rounded twice":
                outcome = Outcome.SOURCE_ERROR
                words = f"agrees with {printed} only when it is rounded twice ({' → '.join(_steps(measured, printed))})"
            case "differs":
                outcome, words = Outcome.RULED_OUT, f"does not agree with {printed}"
                if implied is not None and agreement(implied, printed) == "differs":
                    outcome = Outcome.SOURCE_ERROR
                    also = f", nor does {_number(implied)}, which the source's other numbers give"
                    words = f"is what the source's other numbers give, and {words}" if own else words + also
        return Finding(
            label=label,
            expected=printed,
            measured=f"{shown}, by the source's other numbers" if own else shown,
            outcome=outcome,
            why=f"{label}: {shown} {words}.",
            would_change=f"Only {rounded} would agree with it at these digits.",
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4f}"


@dataclass(frozen=True, kw_only=True)
class AtMost:
    """X for a printed maximum: the exact number, rounded to the printed digits, does not exceed it."""

    kind: ClassVar[str] = "X"
    name: ClassVar[str] = "AtMost"
    reason: str

    def compare(self, *, levels: Levels, label: str, measured: float, printed: str) -> Finding:  # noqa: ARG002
        """ESTABLISHED or RULED_OUT."""
        limit, _ = _digits(printed)
        rounded = as_printed(measured, printed, ROUND_HALF_DOWN)
        holds = Decimal(rounded.rstrip("KM")) <= limit
        return Finding(
            label=label,
            expected=f"≤ {printed}",
            measured=f"{measured:.4f}",
            outcome=Outcome.ESTABLISHED if holds else Outcome.RULED_OUT,
            why=f"{label}: {measured:.4f}, rounded {rounded}, is {'at most' if holds else 'more than'} {printed}.",
            would_change=f"It holds for a printed maximum of {rounded} or more.",
        )


def agreement(measured: float, printed: str) -> How:
    """How a printed number ("175K", "1.12K", "2.62M", "0.64") agrees with the exact one.

    A half may be rounded either way: to even, both occur, and as a binary fraction it may lie just below itself.
    "rounded twice": first to one to three digits more, and from there to the printed ones, as 44,549,160 → 44.55M →
    44.6M.

    Raises:
        ClaimError: the printed number cannot be read.
    """
    digits, scale = _digits(printed)
    exact = Decimal(str(measured)).scaleb(-scale)
    if digits in (exact.quantize(digits, ROUND_HALF_UP), exact.quantize(digits, ROUND_HALF_DOWN)):
        return "rounded"
    if exact.quantize(digits, ROUND_DOWN) == digits:
        return "truncated"
    return "rounded twice" if _steps(measured, printed) else "differs"


def as_printed(measured: float, printed: str, rounding: str = ROUND_HALF_UP) -> str:
    """A number rounded once, in the scale and to the digits of a printed one."""
    digits, scale = _digits(printed)
    rounded = Decimal(str(measured)).scaleb(-scale).quantize(digits, rounding)
    return f"{rounded}{printed[-1] if scale else ''}"


def _steps(measured: float, printed: str) -> tuple[str, ...]:
    """The two roundings that lead from a number to a printed one, () where none do."""
    digits, scale = _digits(printed)
    exact = Decimal(str(measured)).scaleb(-scale)
    for more in range(1, LONGER + 1):
        first = exact.quantize(digits.scaleb(-more), ROUND_HALF_UP)
        if first.quantize(digits, ROUND_HALF_UP) == digits:
            return f"{first}{printed[-1] if scale else ''}", printed
    return ()


def _digits(printed: str) -> tuple[Decimal, int]:
    scale = SCALES.get(printed[-1:], 0)
    try:
        digits = Decimal(printed.rstrip("KM"))
    except ArithmeticError:
        digits = Decimal("NaN")
    if not digits.is_finite():
        raise ClaimError(f'printed number is {printed!r}; allowed are digits such as "0.64", "175K" and "1.73M".')
    return digits, scale
