"""One module a subcommand of `apr`."""
