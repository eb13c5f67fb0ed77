"""What `--compat upstream` does: the upstream's commands, with its output and its exit codes; messages of errors are ours."""
