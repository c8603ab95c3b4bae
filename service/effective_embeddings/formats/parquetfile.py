"""Parquet, by pyarrow: read by row groups, written by row groups, typed as the fields are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from effective_embeddings.formats.parse import check_columns, parse_row
from effective_embeddings.formats.record import FormatError, RowError
from effective_embeddings.formats.rows import COLUMNS, Kind, Row
from effective_embeddings.formats.sink import OutputSink
from effective_embeddings.formats.values import FieldError

__all__ = ["ParquetReader", "ParquetWriter"]

_GROUP = 1024


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet  # noqa: PLC0415 - optional
    except ImportError as error:
        msg = (
            "Parquet files need pyarrow, which is not installed:"
            " pip install 'effective-embeddings[parquet]'"
        )
        raise FormatError(msg) from error
    return pyarrow


class ParquetReader:
    """Reads rows a batch at a time; a null is "not said"."""

    def __init__(self, path: str, kind: Kind, dimension: int | None) -> None:
        self._name = path
        self._kind = kind
        self._dimension = dimension
        self._arrow = _pyarrow()
        try:
            self._file = self._arrow.parquet.ParquetFile(path)
            names = self._file.schema_arrow.names
            self.total: int | None = self._file.metadata.num_rows
        except (FileNotFoundError, PermissionError, IsADirectoryError):
            raise
        except Exception as error:
            msg = f"{path} is not a Parquet file that can be read: {error}"
            raise FormatError(msg) from error
        self._read = 0
        try:
            check_columns(path, kind, names)
        except FormatError:
            self._file.close()
            raise

    def position(self) -> int:
        """Return the number of rows read so far."""
        return self._read

    def __iter__(self) -> Iterator[Row | RowError]:
        """Yield the rows; see ``Reader``."""
        batches = self._file.iter_batches(batch_size=_GROUP)
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:
                msg = f"{self._name} cannot be read after row {self._read}: {error}"
                raise FormatError(msg) from error
            if batch is None:
                return
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            for index in range(batch.num_rows):
                place = f"{self._name}, row {self._read} (from 0)"
                self._read += 1
                yield self._row(place, columns, index)

    def _row(self, place: str, columns: dict[str, Any], index: int) -> Row | RowError:
        fields: dict[str, Any] = {}
        for name, column in columns.items():
            try:
                fields[name] = self._value(column[index])
            except FieldError as error:
                return RowError(place, name, str(error))
            except Exception as error:  # noqa: BLE001 - foreign bytes, such as text in no UTF-8
                return RowError(place, name, f"cannot be read: {error}")
        try:
            return parse_row(self._kind, place, fields, self._dimension)
        except RowError as error:
            return error

    def _value(self, scalar: Any) -> Any:
        if not scalar.is_valid:
            return None
        if isinstance(scalar, self._arrow.MapScalar):
            pairs = scalar.as_py()
            found = dict(pairs)
            if len(found) != len(pairs):
                problem = "has a name twice"
                raise FieldError(problem)
            return found
        if isinstance(scalar, self._arrow.ListScalar):
            # A list of numbers as an array, without a Python object for each.
            return scalar.values.to_numpy(zero_copy_only=False)
        return scalar.as_py()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetWriter:
    """Writes row groups of about a thousand rows."""

    def __init__(self, path: str, kind: Kind) -> None:
        self._arrow = _pyarrow()
        self._columns = COLUMNS[kind]
        self._schema = self._arrow.schema(
            [(name, value_type.arrow(self._arrow)) for name, value_type in self._columns.items()]
        )
        self._target = OutputSink(path)
        self._rows: list[Row] = []
        # Vectors of floats have nothing to gain from a dictionary or from compression.
        self._file = self._arrow.parquet.ParquetWriter(
            self._target.file, self._schema, compression="zstd", use_dictionary=False
        )

    def write(self, row: Row) -> None:
        """Add a row."""
        self._rows.append(row)
        if len(self._rows) >= _GROUP:
            self._flush()

    def _flush(self) -> None:
        columns = [
            self._arrow.array(
                [value_type.to_arrow(getattr(row, name)) for row in self._rows],
                type=self._schema.field(name).type,
            )
            for name, value_type in self._columns.items()
        ]
        self._file.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
        self._rows.clear()

    def close(self) -> None:
        """Complete the file."""
        if self._rows:
            self._flush()
        self._file.close()
        self._target.commit()

    def abort(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._target.discard()
