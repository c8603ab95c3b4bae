"""The settings of a server: their definition, and where their values come from."""
