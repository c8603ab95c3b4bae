"""Files of categories, items and assignments: JSONL, CSV, NumPy and Parquet, in and out.

Reading gives rows one by one, each checked as far as a file alone allows, with the place where
it stands; a bad row is given as a `RowError` in its turn, so that the reader can go on. Writing
is atomic: the file appears under its name when it is complete, and read again it gives the very
same rows, bit for bit.
"""

from effective_embeddings.formats.files import FORMATS, Format, format_of, open_reader, open_writer
from effective_embeddings.formats.record import FormatError, Reader, RowError, Writer
from effective_embeddings.formats.render import plain_vector
from effective_embeddings.formats.rows import (
    FIELDS,
    AssignmentRow,
    CategoryRow,
    ItemRow,
    Kind,
    Row,
)

__all__ = [
    "FIELDS",
    "FORMATS",
    "AssignmentRow",
    "CategoryRow",
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
]
