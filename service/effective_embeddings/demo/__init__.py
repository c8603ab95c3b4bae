"""The demo: a simulated user sorts real messages on a real server; the categories learn."""

from effective_embeddings.demo.sample import sample_path
from effective_embeddings.evaluation.dataset import Dataset, load_dataset

__all__ = ["Dataset", "load_dataset", "sample_path"]
