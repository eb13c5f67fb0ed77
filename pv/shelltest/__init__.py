"""The command that a claim's `test:` holds, run as a falsifier: only where `--run-shell-tests` asks for it.

Everywhere else such a text is data: it is read, checked by rules and shown, and nothing runs it. A command has an exit status and
nothing else, so it can refute a claim; nothing shows that it could fail where the claim is wrong, so by itself it discharges none.
"""
