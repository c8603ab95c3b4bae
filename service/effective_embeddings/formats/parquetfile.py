"""Parquet, by pyarrow: read by row groups, written by row groups, typed as the fields are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from effective_embeddings.formats.parse import check_columns, parse_row
from effective_embeddings.formats.record import FormatError, RowError
from effective_embeddings.formats.rows import FIELDS, Kind, Row
from effective_embeddings.formats.target import Target

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ParquetReader", "ParquetWriter"]

_GROUP = 1024


def _parquet() -> Any:
    try:
        import pyarrow.parquet  # noqa: PLC0415 - optional
    except ImportError as error:
        msg = (
            "Parquet files need pyarrow, which is not installed:"
            " pip install 'effective-embeddings[parquet]'"
        )
        raise FormatError(msg) from error
    return pyarrow.parquet


def _schema(kind: Kind) -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415 - optional

    types: dict[str, pa.DataType] = {
        "base": pa.list_(pa.float32()),
        "embedding": pa.list_(pa.float32()),
        "base_weight": pa.float32(),
        "weight": pa.float32(),
        "window": pa.uint32(),
        "min_base_share": pa.float64(),
        "frozen": pa.bool_(),
        "metadata": pa.map_(pa.string(), pa.string()),
    }
    return pa.schema([(name, types.get(name, pa.string())) for name in FIELDS[kind]])


class ParquetReader:
    """Reads rows a batch at a time; a null is "not said"."""

    def __init__(self, path: str, kind: Kind, dimension: int | None) -> None:
        self._name = path
        self._kind = kind
        self._dimension = dimension
        parquet = _parquet()
        try:
            self._file = parquet.ParquetFile(path)
        except ValueError as error:  # pyarrow's own errors are ValueErrors
            msg = f"{path} is no Parquet file that can be read: {error}"
            raise FormatError(msg) from error
        check_columns(path, kind, self._file.schema_arrow.names)
        self._read = 0
        self.total: int | None = self._file.metadata.num_rows

    def position(self) -> int:
        """Rows read so far."""
        return self._read

    def __iter__(self) -> Iterator[Row | RowError]:
        """The rows; see `Reader`."""
        for batch in self._file.iter_batches(batch_size=_GROUP):
            columns = {name: batch.column(name) for name in batch.schema.names}
            for index in range(batch.num_rows):
                place = f"{self._name}, row {self._read} (from 0)"
                self._read += 1
                try:
                    fields = {name: _value(column[index]) for name, column in columns.items()}
                    yield parse_row(self._kind, place, fields, self._dimension)
                except RowError as error:
                    yield error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _value(scalar: Any) -> Any:
    # A list of floats comes as an array, without a Python object for each number.
    values = getattr(scalar, "values", None)
    if values is not None and scalar.is_valid and not hasattr(scalar.type, "key_type"):
        return values.to_numpy(zero_copy_only=False)
    return scalar.as_py()


class ParquetWriter:
    """Writes row groups of about a thousand rows."""

    def __init__(self, path: str, kind: Kind) -> None:
        parquet = _parquet()
        self._kind = kind
        self._schema = _schema(kind)
        self._target = Target(path)
        self._rows: list[Row] = []
        # Vectors of floats have nothing to gain from a dictionary or from compression.
        self._file = parquet.ParquetWriter(
            self._target.file, self._schema, compression="zstd", use_dictionary=False
        )

    def write(self, row: Row) -> None:
        """Adds a row."""
        self._rows.append(row)
        if len(self._rows) >= _GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - optional

        columns = []
        for column in self._schema:
            values: list[Any] = [getattr(row, column.name) for row in self._rows]
            if column.name == "metadata":
                values = [list(value.items()) if value else None for value in values]
            columns.append(pa.array(values, type=column.type))
        self._file.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows.clear()

    def close(self) -> None:
        """Completes the file."""
        if self._rows:
            self._flush()
        self._file.close()
        self._target.commit()

    def abort(self) -> None:
        """Leaves nothing behind."""
        self._file.close()
        self._target.discard()
