"""What several test files share: servers to start, raw calls, and small data."""
