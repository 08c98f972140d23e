"""Complete runs, trained on this machine."""
