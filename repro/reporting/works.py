"""What a page says of the works that it is about: its title, their citations, letters and remarks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

ARXIV = "https://arxiv.org/abs/"


def title(works: Sequence[Json], scale: str, trained: bool) -> Json:
    """What the page is about: the first work, and whether others report on it; ``trained``: whether any run was."""
    own = [work for work in works if not work["companion_to"]] or list(works)
    said = [(work["short"], work["scales"][scale]) for work in own if scale in work["scales"] and trained]
    return {
        "title": (title := " · ".join(work["short"] for work in own) or "Published claims"),
        "head": title if len(own) < 2 else f"{own[0]['short']} and {len(own) - 1} more",
        "about": [_cited(work) for work in own],
        "scale_words": [words if len(own) == 1 else f"{short}: {words}" for short, words in said],
    }


def _cited(work: Json) -> Json:
    names = list(work["authors"])
    authors = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
    url = work["url"] if work["url"].startswith(("https://", "http://")) else ""  # nothing that a browser would run
    doi = f"10.48550/arXiv.{url.removeprefix(ARXIV)}" if url.startswith(ARXIV) else ""  # as arXiv registers them
    return {**work, "authors": authors, "url": url, "doi": doi}


def letters(usual: Mapping[str, str], works: Sequence[Json]) -> dict[str, str]:
    """What the letters after values mean; where works mean different things by one, which means what."""
    found = {}
    for letter in dict.fromkeys([*usual, *(letter for work in works for letter in work["tags"])]):
        meant: dict[str, list[str]] = {}
        for work in works:
            if words := work["tags"].get(letter, usual.get(letter, "")):
                meant.setdefault(words, []).append(work["short"])
        said = [f"{words} ({', '.join(whose)})" if len(meant) > 1 else words for words, whose in meant.items()]
        found[letter] = ", ".join(said) or usual.get(letter, "")
    return found


def remarks(made: Json, name: str) -> list[str]:
    """What was remarked on a claim at the scale of a document."""
    known = [remark for work in made["works"] for remark in work["remarks"]]
    said = (one["text"] for one in known if name in one["claims"] and one["scale"] in ("", made["scale"]))
    return list(dict.fromkeys(said))


def in_order(works: Sequence[Json], key: str) -> Callable[[Json], tuple[int, str]]:
    """A key that sorts claims of a work by their files, in the work's own order."""
    order: list[str] = next((work["order"] for work in works if work["key"] == key), [])

    def rank(one: Json) -> tuple[int, str]:
        name = one["claim_file"].rpartition("/")[2]
        rest = order.index("") if "" in order else len(order)
        return next((i for i, start in enumerate(order) if start and name.startswith(start)), rest), one["claim_file"]

    return rank
