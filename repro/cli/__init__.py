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
    try:
        code = main()
    except Exception:  # 1, Python's own, would say that a claim does not hold
        import traceback

        traceback.print_exc()
        print("repro: an error in the suite, not a verdict; please report it with the lines above", file=sys.stderr)
        return 2
    gc.freeze()  # nobody looks for garbage among what ends with the process, which would take a tenth of a plan's time
    return code
