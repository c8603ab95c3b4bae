"""The Python client library and the public names of the package."""
