"""Checks: what pytest collects from claim files."""
