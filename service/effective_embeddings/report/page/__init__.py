"""The page: what each section shows, says and advises."""
