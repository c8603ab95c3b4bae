"""The demo: a person sorts real messages through the real server, and the categories learn."""

from effective_embeddings.demo.dataset import Dataset, load_dataset, sample_path

__all__ = ["Dataset", "load_dataset", "sample_path"]
