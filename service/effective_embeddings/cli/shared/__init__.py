"""Shared by the commands: options, sessions, output, failures."""
