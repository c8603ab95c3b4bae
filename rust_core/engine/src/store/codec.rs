//! What goes into blob columns.
//!
//! Vectors and sums are little-endian numbers; everything with structure is postcard, whose wire
//! format is specified and stable. The schema's version guards against a change of either.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, StoreResult};

/// Bytes of a structure.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Only a failing writer or a type without a length can fail here, and there is neither.
    postcard::to_stdvec(value).expect("structures of ours can be encoded")
}

/// A structure from its bytes.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], place: &str) -> StoreResult<T> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError::corrupted(place, format!("cannot be decoded: {error}")))
}

pub(super) fn floats_to_bytes(values: &[f32]) -> Vec<u8> {
    to_bytes(values, f32::to_le_bytes)
}

pub(super) fn floats_from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|chunk| f32::from_le_bytes(*chunk))
        .collect()
}

pub(super) fn sum_to_bytes(values: &[i64]) -> Vec<u8> {
    to_bytes(values, i64::to_le_bytes)
}

/// In place, which the compiler makes a copy of: to collect the bytes one by one takes ten times
/// as long.
fn to_bytes<T: Copy, const N: usize>(values: &[T], of: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * N];
    for (bytes, value) in bytes.as_chunks_mut::<N>().0.iter_mut().zip(values) {
        *bytes = of(*value);
    }
    bytes
}

pub(super) fn sum_from_bytes(bytes: &[u8]) -> Vec<i64> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|chunk| i64::from_le_bytes(*chunk))
        .collect()
}
