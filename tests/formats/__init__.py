"""Files of rows: what they give, and what they refuse."""
