"""Requests that must be refused: a table of cases for each kind of mistake."""
