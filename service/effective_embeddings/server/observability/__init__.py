"""Metrics, log lines, the audit log and traces."""
