"""The command line: subcommands in order of use, each a few lines around a library call."""
