"""The plan: each run once, with the checks that need it and its cost."""
