"""The demo: a simulated user sorts real messages on a real server; the categories learn."""

from effective_embeddings.demo.dataset import Dataset, load_dataset, sample_path

__all__ = ["Dataset", "load_dataset", "sample_path"]
