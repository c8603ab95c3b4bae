"""The effemb command."""
