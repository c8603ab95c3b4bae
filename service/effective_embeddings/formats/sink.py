"""The output of a writer: a file that appears when it is complete, or standard output."""

from __future__ import annotations

import sys
from typing import BinaryIO

from effective_embeddings.client.output_file import OutputFile

__all__ = ["OutputSink"]


class OutputSink:
    """An output file; the path ``-`` is standard output, written as the rows come."""

    def __init__(self, path: str) -> None:
        self._output = None if path == "-" else OutputFile(path)
        self.file: BinaryIO = sys.stdout.buffer if self._output is None else self._output.file

    def commit(self) -> None:
        """Give the complete file its name, safe on the disk before it replaces another."""
        if self._output is None:
            self.file.flush()
        else:
            self._output.commit()

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._output is not None:
            self._output.discard()
