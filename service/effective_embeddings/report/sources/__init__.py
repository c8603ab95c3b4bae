"""Reading what a report is about: the state at one revision, the history, matches of the inbox."""
