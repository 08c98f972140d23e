"""Runs: what one is, and where it lies, complete or absent."""
