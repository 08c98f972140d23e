"""Completion in a shell: a script a shell, and the words that may follow on a command line."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

FILES = ":files"  # the answer that leaves it to the shell to complete files
KEY = 12  # characters of a run's key

SCRIPTS = {
    "bash": r"""# repro: completion for bash; in ~/.bashrc: eval "$(repro completion bash)"
_repro() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            compopt -o default 2>/dev/null
            return
        fi
        COMPREPLY+=("${line%%$'\t'*}")
    done < <("${COMP_WORDS[0]/#\~/$HOME}" _complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _repro repro
""",
    "zsh": r"""#compdef repro
# repro: completion for zsh; in ~/.zshrc, after compinit: eval "$(repro completion zsh)"
_repro() {
    local -a lines found
    local line
    lines=("${(@f)$(${~words[1]} _complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ $lines[1] == :files ]]; then
        _files
        return
    fi
    for line in $lines; do
        found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    _describe repro found
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _repro "$@"
else
    compdef _repro repro
fi
""",
    "fish": r"""# repro: completion for fish; repro completion fish > ~/.config/fish/completions/repro.fish
function __repro_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l command $words[1]
    set -e words[1]
    set -l found ($command _complete $words "$current" 2>/dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path "$current"
    else
        printf '%s\n' $found
    end
end
complete -c repro -f -a '(__repro_complete)'
""",
}


def show(arguments: argparse.Namespace) -> int:
    """Prints the script for a shell."""
    print(SCRIPTS[arguments.shell], end="")
    return 0


def answer(parser: argparse.ArgumentParser, words: Sequence[str]) -> str:
    """What may stand in place of the last word: a line each, with a tab and its meaning, or FILES."""
    *before, current = words or [""]
    if before[:1] == ["help"]:
        before = before[1:]
    if current == "=":  # bash splits --option=word into three
        current = ""
    given = [word for word in before if word != "="]
    found, pending = _follow(parser, given)
    if pending is None and current.startswith("-"):
        option, equals, _ = current.partition("=")
        if not equals:
            return _lines(_options(found.parser), current)
        action = found.parser._option_string_actions.get(option)  # zsh and fish keep --option=word in one
        values = _values(action, found.given) if action else {}
        return FILES if values is None else _lines({f"{option}={name}": text for name, text in values.items()}, current)
    action = pending or found.next()
    values = {} if action is None else _values(action, found.given)
    if values is not None and action is not None and action.dest == "claims":
        near = _lines(values, current)
        return near or FILES  # ids, or claim files
    return FILES if values is None else _lines(values, current)


class _Position:
    """A place on a command line: the subcommand's parser, its positional arguments so far, and its options."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser, self.passed, self.given = parser, 0, dict[str, str]()

    def next(self) -> argparse.Action | None:
        """The positional argument whose turn it is."""
        left = self.passed
        for action in self.parser._actions:
            if action.option_strings:
                continue
            if left == 0 or action.nargs in ("*", "+"):
                return action
            left -= 1
        return None


def _follow(parser: argparse.ArgumentParser, words: Sequence[str]) -> tuple[_Position, argparse.Action | None]:
    """Where some words lead, and the option that still wants its value."""
    place, pending = _Position(parser), None
    for word in words:
        if pending is not None:
            place.given[pending.dest], pending = word, None
        elif word.startswith("-"):
            option, equals, value = word.partition("=")
            action = place.parser._option_string_actions.get(option)
            if action is not None and equals:
                place.given[action.dest] = value
            elif action is not None and action.nargs != 0:
                pending = action
        else:
            action = place.next()
            if isinstance(action, argparse._SubParsersAction) and word in action.choices:
                place = _Position(action.choices[word])
            else:
                place.passed += 1
    return place, pending


def _options(parser: argparse.ArgumentParser) -> dict[str, str]:
    return {
        name: action.help or ""
        for action in parser._actions
        if action.help != argparse.SUPPRESS
        for name in action.option_strings
        if name.startswith("--") or len(action.option_strings) == 1
    }


def _values(action: argparse.Action, given: Mapping[str, str]) -> dict[str, str] | None:
    """The values of an option or argument with their meanings; None: files."""
    if isinstance(action, argparse._SubParsersAction):
        return {one.dest: one.help or "" for one in action._choices_actions}
    if action.choices is not None:
        return {str(one): "" for one in action.choices}
    match action.dest:
        case "claims" | "keyword":
            from repro.collecting.ids import ids
            from repro.provenance import claims

            return ids(claims())
        case "scale":
            return {"smoke": "digits, minutes", "pilot": "CIFAR-10, 16 epochs", "paper": "the paper's protocol"}
        case "data" | "names":
            from repro.runs.datasets import COPIES

            return dict.fromkeys((*COPIES, *(("digits",) if action.dest == "names" else ())), "")
        case "archive":
            from repro.executing.fetch import archives

            return dict.fromkeys(archives(), "")
        case "cluster" | "name":
            from repro.provenance import folder

            return {file.stem: "" for place in (Path("slurm"), folder("slurm")) for file in place.glob("*.toml")}
        case "run" | "retrain":
            from repro.runs.store import Store

            return {spec.key[:KEY]: spec.name for spec in Store(Path(given.get("results", "results"))).specs()}
        case "device":
            return {"auto": "", "cpu": "", "cuda": ""}
        case "results" | "data_dir" | "mirrors" | "report" | "to" | "file" | "files":
            return None
    return {}  # a number or a duration


def _lines(found: Mapping[str, str], current: str) -> str:
    return "\n".join(f"{name}\t{text}" for name, text in found.items() if name.startswith(current))
