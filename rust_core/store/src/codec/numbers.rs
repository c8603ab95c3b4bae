//! Vectors and sums as little-endian bytes.

pub(crate) fn floats_to_bytes(values: &[f32]) -> Vec<u8> {
    to_bytes(values, f32::to_le_bytes)
}

pub(crate) fn floats_from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|chunk| f32::from_le_bytes(*chunk))
        .collect()
}

pub(crate) fn sum_to_bytes(values: &[i64]) -> Vec<u8> {
    to_bytes(values, i64::to_le_bytes)
}

/// In place, which the compiler makes a copy of: collecting the bytes one by one takes ten times
/// as long.
fn to_bytes<T: Copy, const N: usize>(values: &[T], of: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * N];
    for (bytes, value) in bytes.as_chunks_mut::<N>().0.iter_mut().zip(values) {
        *bytes = of(*value);
    }
    bytes
}

pub(crate) fn sum_from_bytes(bytes: &[u8]) -> Vec<i64> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|chunk| i64::from_le_bytes(*chunk))
        .collect()
}
