//! The form of a record: its version, its body and its extensions.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{StoreError, StoreResult};

/// A kind of stored record.
pub trait Record: Sized {
    /// Name of the kind, in errors.
    const NAME: &str;
    /// Highest version that is read.
    const VERSION: u8 = 1;
    /// Highest tag of an extension that this version knows; 0: none.
    const FIELDS: u64 = 0;

    /// Version that is written: the lowest that can hold the record.
    fn version(&self) -> u8 {
        1
    }

    /// Writes the body.
    fn body(&self, out: Body) -> Body;

    /// Reads the body, and returns the bytes behind it.
    fn read(bytes: &[u8]) -> postcard::Result<(Self, &[u8])>;

    /// Writes the extensions that the record uses, in order of their tags.
    fn extensions(&self, _out: &mut Extensions) {}

    /// Reads an extension whose tag is known. `None`: its bytes are not a value of the field.
    fn extension(&mut self, _tag: u64, _bytes: &[u8]) -> Option<()> {
        None
    }
}

/// The body of a record that is being written.
pub struct Body(Vec<u8>);

impl Body {
    /// Appends a value.
    pub fn put<T: Serialize + ?Sized>(self, value: &T) -> Self {
        // Only a failing writer or a sequence without a length can fail here; records have neither.
        let bytes = postcard::serialize_with_flavor(value, Bytes(self.0));
        Self(bytes.expect("a record can be encoded"))
    }
}

/// Bytes that postcard appends to.
struct Bytes(Vec<u8>);

impl Flavor for Bytes {
    type Output = Vec<u8>;

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// The extensions of a record that is being written.
pub struct Extensions(Vec<u8>);

impl Extensions {
    /// Writes an extension, whose tag is higher than those of the ones before.
    pub fn put<T: Serialize + ?Sized>(&mut self, tag: u64, value: &T) {
        let bytes = Body(Vec::new()).put(value).0;
        let head = Body(std::mem::take(&mut self.0)).put(&tag);
        self.0 = head.put(bytes.as_slice()).0;
    }
}

impl Extensions {
    /// The bytes of the extensions of a row of columns.
    pub fn of_row(put: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut out = Self(Vec::new());
        put(&mut out);
        out.0
    }
}

/// A value of an extension: all of its bytes.
pub fn value<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

/// Bytes of a record.
pub fn encode<R: Record>(record: &R) -> Vec<u8> {
    encode_parts(
        record.version(),
        |out| record.body(out),
        |out| record.extensions(out),
    )
}

/// Bytes of a record, from its version and the functions that write its body and its extensions.
pub(super) fn encode_parts(
    version: u8,
    body: impl FnOnce(Body) -> Body,
    extensions: impl FnOnce(&mut Extensions),
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.push(version);
    let mut out = Extensions(body(Body(bytes)).0);
    extensions(&mut out);
    out.0
}

/// A record from its bytes. `place`: the row, for errors.
pub fn decode<R: Record>(bytes: &[u8], place: &str) -> StoreResult<R> {
    let corrupted = |what: String| StoreError::corrupted(place, format!("{}: {what}", R::NAME));
    let (&version, bytes) = bytes
        .split_first()
        .ok_or_else(|| corrupted("is empty".into()))?;
    if version == 0 {
        return Err(corrupted("has version 0".into()));
    }
    if version > R::VERSION {
        return Err(StoreError::Newer {
            place: place.to_owned(),
            what: format!(
                "{}: version {version} was written by a newer version of the software; this \
                 version reads up to {}",
                R::NAME,
                R::VERSION
            ),
        });
    }
    let (mut record, rest) =
        R::read(bytes).map_err(|error| corrupted(format!("cannot be decoded: {error}")))?;
    read_extensions(rest, R::NAME, R::FIELDS, place, |tag, bytes| {
        record.extension(tag, bytes)
    })?;
    Ok(record)
}

/// Refuses the extensions of a row of columns that has any: this version knows none.
pub fn check_extensions(extensions: Option<&[u8]>, name: &str, place: &str) -> StoreResult<()> {
    match extensions {
        None => Ok(()),
        Some(bytes) => read_extensions(bytes, name, 0, place, |_, _| None),
    }
}

/// Reads extensions: calls `read` with each one's tag, at most `known`, and its bytes.
pub fn read_extensions(
    mut bytes: &[u8],
    name: &str,
    known: u64,
    place: &str,
    mut read: impl FnMut(u64, &[u8]) -> Option<()>,
) -> StoreResult<()> {
    let corrupted = |what: String| StoreError::corrupted(place, format!("{name}: {what}"));
    let mut last = 0;
    while !bytes.is_empty() {
        let ((tag, value), rest): ((u64, &[u8]), _) = postcard::take_from_bytes(bytes)
            .map_err(|error| corrupted(format!("an extension cannot be decoded: {error}")))?;
        if tag <= last {
            return Err(corrupted(format!("field {tag} comes after field {last}")));
        }
        if tag > known {
            let knows = match known {
                0 => "no fields".to_owned(),
                known => format!("fields up to {known}"),
            };
            return Err(StoreError::Newer {
                place: place.to_owned(),
                what: format!(
                    "{name}: field {tag} was written by a newer version of the software; this \
                     version knows {knows}"
                ),
            });
        }
        read(tag, value).ok_or_else(|| corrupted(format!("field {tag} cannot be decoded")))?;
        (last, bytes) = (tag, rest);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record as it is now, and as an older version of the software knows it.
    #[derive(Clone, Debug, PartialEq)]
    struct Sample<const FIELDS: u64> {
        key: String,
        first: Option<f64>,
        second: Vec<(u32, bool)>,
    }

    impl<const FIELDS: u64> Record for Sample<FIELDS> {
        const NAME: &str = "sample";
        const FIELDS: u64 = FIELDS;

        fn body(&self, out: Body) -> Body {
            out.put(&self.key)
        }

        fn read(bytes: &[u8]) -> postcard::Result<(Self, &[u8])> {
            let (key, rest) = postcard::take_from_bytes(bytes)?;
            Ok((sample(key, None, &[]), rest))
        }

        fn extensions(&self, out: &mut Extensions) {
            if let Some(first) = self.first {
                out.put(1, &first);
            }
            if !self.second.is_empty() {
                out.put(2, &self.second);
            }
        }

        fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
            match tag {
                1 => self.first = Some(value(bytes)?),
                2 => self.second = value(bytes)?,
                _ => return None,
            }
            Some(())
        }
    }

    fn sample<const N: u64>(key: String, first: Option<f64>, second: &[(u32, bool)]) -> Sample<N> {
        Sample {
            key,
            first,
            second: second.to_vec(),
        }
    }

    fn of<const N: u64>(first: Option<f64>, second: &[(u32, bool)]) -> Sample<N> {
        sample("key".into(), first, second)
    }

    #[test]
    fn an_older_version_reads_a_record_that_does_not_use_the_new_fields() {
        let new = encode(&of::<2>(Some(0.5), &[]));
        assert_eq!(decode::<Sample<1>>(&new, "row"), Ok(of(Some(0.5), &[])));
        assert_eq!(encode(&of::<2>(None, &[])), encode(&of::<0>(None, &[])));
        let old = encode(&of::<0>(None, &[]));
        assert_eq!(decode::<Sample<2>>(&old, "row"), Ok(of(None, &[])));
        let all = of::<2>(Some(-1.0), &[(3, true)]);
        assert_eq!(decode(&encode(&all), "row"), Ok(all));
    }

    #[test]
    fn an_older_version_refuses_a_field_that_it_does_not_know_by_name() {
        let new = encode(&of::<2>(Some(0.5), &[(1, false)]));
        for (found, expected) in [
            (
                decode::<Sample<1>>(&new, "row").map(drop),
                "row: sample: field 2 was written by a newer version of the software; this version \
                 knows fields up to 1",
            ),
            (
                decode::<Sample<0>>(&new, "row").map(drop),
                "row: sample: field 1 was written by a newer version of the software; this version \
                 knows no fields",
            ),
            (
                check_extensions(Some(&[1, 0]), "item", "items, row 3"),
                "items, row 3: item: field 1 was written by a newer version of the software; this \
                 version knows no fields",
            ),
        ] {
            let error = found.unwrap_err();
            assert!(matches!(error, StoreError::Newer { .. }));
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn extensions_out_of_order_or_of_another_type_are_damage() {
        let body = encode(&of::<2>(None, &[]));
        for (extensions, expected) in [
            (
                &[2, 1, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0][..],
                "comes after field 2",
            ),
            (&[2, 1, 0, 2, 1, 0], "field 2 comes after field 2"),
            (&[1, 3, 0, 0, 0], "field 1 cannot be decoded"),
            (
                &[1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                "field 1 cannot be decoded",
            ),
            (&[1, 9, 0], "an extension cannot be decoded"),
            (&[0, 0], "field 0 comes after field 0"),
        ] {
            let bytes = [&body[..], extensions].concat();
            let error = decode::<Sample<2>>(&bytes, "row").unwrap_err();
            assert!(matches!(error, StoreError::Corrupted { .. }));
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
