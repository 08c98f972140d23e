"""From claim to report: plan, run, judge and print the replication of BatchNorm-only training."""

__version__ = "0.1.0"
