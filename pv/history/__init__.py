"""What a contract's `status_history` says, and what git knows of how the contract came to be as it is."""
