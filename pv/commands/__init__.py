"""The commands of `pv`: one module a command, imported when it is called."""
