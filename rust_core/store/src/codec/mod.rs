//! Stored records: how they are encoded, and how they grow.
//!
//! A record is
//!
//! ```text
//! version (1 byte) · body (postcard) · extensions: (tag varint, length varint, bytes)*
//! ```
//!
//! The body of a version never changes. A new field is an **extension**: it gets the next tag of its
//! record, and a record that does not use the field does not have the extension. So
//!
//! * a new field rewrites no table: records that do not use it are the same, byte for byte;
//! * an older version of the software reads every record that does not use the field;
//! * a record that does use it is refused by the older version, by name ("category record: field 1
//!   was written by a newer version of the software; this version knows no fields"), and never read
//!   in part: an ignored setting would be a wrong answer.
//!
//! To add a field: give the type in `ee-core` a field with `#[serde(skip)]` whose default means "not
//! set", raise [`Record::FIELDS`], and write and read it in [`Record::extensions`] and
//! [`Record::extension`]. A field of a *nested* element (a before-image in a log entry, a result in a
//! list) is an extension of the outermost record too: a list of (place of the element, value) with
//! the elements that have it, so that elements cost nothing where the field is not used. A new
//! variant of an enum, or any change that older versions must not misread, raises
//! [`Record::VERSION`], and the decoder keeps reading the older ones; a record that does not need the new
//! version is written as before ([`Record::version`]).
//!
//! Tags are in ascending order, and each occurs at most once. Columns of `items` and `memberships`
//! that are not records have a column `extensions` beside them, of the same form, which is NULL as
//! long as no extension is used ([`check_extensions`]).
//!
//! Vectors and sums are arrays of little-endian numbers. `tests/records.rs` holds a fixture of each
//! kind of record: a change of a body is found there.

mod actors;
mod answer;
mod numbers;
mod record;
mod records;

pub use answer::{Answer, NamespaceAnswer, TrimAnswer, encode_command_answer};
pub(crate) use numbers::{floats_from_bytes, floats_to_bytes, sum_from_bytes, sum_to_bytes};
pub use record::{
    Body, Extensions, Record, check_extensions, decode, encode, read_extensions, value,
};
pub use records::StoredStats;
