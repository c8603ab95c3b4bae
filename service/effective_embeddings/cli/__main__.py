"""Lets `python -m effective_embeddings.cli` be the `effemb` command."""

from effective_embeddings.cli.main import main

if __name__ == "__main__":
    main()
