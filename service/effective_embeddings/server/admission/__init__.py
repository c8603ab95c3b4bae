"""Admission control: identity, rate, concurrency and load; and the statuses of refused calls."""
