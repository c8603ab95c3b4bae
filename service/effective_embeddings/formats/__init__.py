"""Files of categories, items, assignments and dismissals: JSONL, CSV, NumPy and Parquet.

A reader yields rows one by one, each checked as far as a file alone allows, with its place in the
file; a bad row is yielded as a ``RowError`` in its turn, so that reading can go on. Writing is
atomic: the file appears under its name when it is complete. Read again it gives the same rows,
bit for bit.
"""

from effective_embeddings.formats.files import FORMATS, Format, format_of, open_reader, open_writer
from effective_embeddings.formats.parse import refuse_repeated
from effective_embeddings.formats.record import FormatError, Reader, RowError, Writer
from effective_embeddings.formats.rows import (
    FIELDS,
    AssignmentRow,
    CategoryRow,
    DismissalRow,
    ItemRow,
    Kind,
    Row,
)
from effective_embeddings.formats.values import plain_vector

__all__ = [
    "FIELDS",
    "FORMATS",
    "AssignmentRow",
    "CategoryRow",
    "DismissalRow",
    "Format",
    "FormatError",
    "ItemRow",
    "Kind",
    "Reader",
    "Row",
    "RowError",
    "Writer",
    "format_of",
    "open_reader",
    "open_writer",
    "plain_vector",
    "refuse_repeated",
]
