"""What a refused command prints."""

from repro.cli.main import main


def refused(capsys, *arguments):
    """The one line that a refused command prints."""
    capsys.readouterr()
    assert main(list(arguments)) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("repro: ")
    return line
