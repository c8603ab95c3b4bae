"""What a state and a history say, in figures."""
