"""The commands of `ccpa`, one a module."""
