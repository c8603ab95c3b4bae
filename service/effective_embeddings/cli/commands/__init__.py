"""The commands: a file for each, named after it."""
