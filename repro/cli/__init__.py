"""The command line. The installed command calls ``entry``, which handles interrupts from the first import on."""

import gc
import sys


def entry() -> int:
    """The exit code of the command in sys.argv."""
    try:
        from repro.cli.main import main
    except KeyboardInterrupt:
        print("repro: stopped", file=sys.stderr)
        return 2
    code = main()
    gc.freeze()  # nobody looks for garbage among what ends with the process, which would take a tenth of a plan's time
    return code
