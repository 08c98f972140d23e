"""A parser whose errors are one line, with the nearest valid word."""

import argparse
import re
import sys
from difflib import get_close_matches
from typing import Any, NoReturn

FEW = 5  # words that a message may list


class Parser(argparse.ArgumentParser):
    """argparse's, but for how it refuses and prints."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Unlike argparse's own, it reports a full disk, and writes nothing to a closed stream."""
        file = file or sys.stderr
        if message and file is not None:
            file.write(message)
            file.flush()

    def error(self, message: str) -> NoReturn:
        """Ends with code 2."""
        if choice := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", message, flags=re.S):
            words = re.findall(r"[\w-]+", choice[2])
            message = f"{message[: choice.start()]}invalid choice: {choice[1]!r}{nearest(choice[1], words)}"
        message = re.sub(r"ignored explicit argument (.*)", r"it takes no value, and got \1", message, flags=re.S)
        self.exit(2, f"repro: {message}; see: {self.prog} --help\n")

    def refuse_unknown(self, words: list[str]) -> NoReturn:
        """Ends with code 2 for words that no option or argument accepts."""
        known = [option for action in self._actions if action.help != argparse.SUPPRESS
                 for option in action.option_strings]  # fmt: skip
        option = words[0].partition("=")[0]
        if option in known:
            self.error(f"{option} is an option of {self.prog}: write it after that")
        near = nearest(option, known) if option.startswith("-") else ""
        self.error(f"unrecognized arguments: {' '.join(words)}{near}")


def nearest(word: str, known: list[str]) -> str:
    """`` (did you mean …?)`` if a known word is similar; else the known words, if they are few."""
    bare = {one.lstrip("-"): one for one in known}  # two words are not alike for their dashes
    near = get_close_matches(word.lstrip("-").lower(), bare, n=1)
    if near:
        return f" (did you mean {bare[near[0]]}?)"
    return f"; allowed: {', '.join(known)}" if 0 < len(known) <= FEW else ""
