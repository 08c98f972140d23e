"""The exit code of one command line, whatever happens: every expected failure is one line on stderr."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from repro.cli import output
from repro.cli.subcommands import parser
from repro.errors import ReproError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; 0 all judged and hold, 1 some do not, 2 the suite failed, 3 something is pending."""
    output.prepare()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        _refuse_deleted_folder()
        try:
            code = _call(words)
        finally:  # also after --help, which ends the program
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        output.say("stopped")
        return 2
    except ReproError as error:
        output.say(str(error))
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "repro").partition(".")[0] == "repro":
            raise
        output.say(
            f"the package {error.name} is not installed, but this command needs it; install the project with all that "
            "it depends on: python -m pip install --editable . in its folder, or make verify."
        )
        return 2
    except BrokenPipeError:
        output.discard(sys.stdout)  # the reader of our output is gone: not our failure
        return 0
    except OSError as error:
        output.say(f"{error.filename or 'the output'} cannot be used: {error.strerror or error}; name another.")
        output.discard(sys.stdout)
        return 2
    return code


def _call(words: list[str]) -> int:
    made = parser()
    if words[:1] == ["_complete"]:
        from repro.cli.completion import answer

        print(answer(made, words[1:]))
        return 0
    if words == ["version"]:
        words = ["--version"]
    if words[:1] == ["help"]:
        words = [*(word for word in words if word != "help"), "--help"]
    if not words:
        made.print_help()
        return 0
    arguments, rest = made.parse_known_args(words, argparse.Namespace(words=words, json=False))
    if rest:
        arguments.parser.refuse_unknown(rest)
    if "command" not in arguments:
        made.error("no command was named")
    with output.teller(arguments.json) as arguments.tell:
        code: int = arguments.command(arguments)
    return code


def _refuse_deleted_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise ReproError("the current folder was deleted; change into another one.") from None
