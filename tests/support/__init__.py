"""Shared by several test files: servers, raw calls, and small data."""
