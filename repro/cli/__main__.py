"""The exit code of ``python -m repro.cli``."""

import sys

from repro.cli import entry

sys.exit(entry())
