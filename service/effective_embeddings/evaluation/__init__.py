"""Evaluation on labelled data: the product, through its own client, beside common alternatives."""
