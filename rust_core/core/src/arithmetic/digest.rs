//! The state digest: a function of the records that exist, not of the history that led to them.
//!
//! Each record (a category with its sum, an item, a membership) is hashed with BLAKE3; the digest
//! is the sum of these hashes, as four 64-bit integers that wrap. Addition is commutative and has
//! inverses, so a write updates the digest in O(records touched), and equal sets of records have
//! equal digests. The digest detects damage and mistakes; it does not resist an attacker who
//! constructs records that collide.

use serde::{Deserialize, Serialize};

/// Hash of one record.
pub type RecordHash = [u8; 32];

/// Sum of the hashes of a set of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetDigest([u64; 4]);

impl SetDigest {
    /// Adds a record.
    pub fn insert(&mut self, record: &RecordHash) {
        self.combine(record, u64::wrapping_add);
    }

    /// Removes a record.
    pub fn remove(&mut self, record: &RecordHash) {
        self.combine(record, u64::wrapping_sub);
    }

    /// Adds the records that were added to `other`, and removes those that were removed from it.
    pub fn combine_with(&mut self, other: Self) {
        for (lane, value) in self.0.iter_mut().zip(other.0) {
            *lane = lane.wrapping_add(value);
        }
    }

    /// The 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, lane) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&lane.to_le_bytes());
        }
        bytes
    }

    /// The digest of these 32 bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(lanes(bytes))
    }

    fn combine(&mut self, record: &RecordHash, operation: impl Fn(u64, u64) -> u64) {
        for (lane, value) in self.0.iter_mut().zip(lanes(record)) {
            *lane = operation(*lane, value);
        }
    }
}

fn lanes(bytes: &[u8; 32]) -> [u64; 4] {
    std::array::from_fn(|i| {
        let mut lane = [0; 8];
        lane.copy_from_slice(&bytes[i * 8..i * 8 + 8]);
        u64::from_le_bytes(lane)
    })
}

/// Hashes a record field by field; each field is preceded by its length, so that no two records
/// have the same bytes.
///
/// The fields are gathered first: BLAKE3 hashes the kilobytes of one long input in parallel, those
/// of many short inputs one after the other.
pub struct RecordHasher(Vec<u8>);

impl RecordHasher {
    /// Begins a record of a kind.
    pub fn new(kind: &str) -> Self {
        Self::with_room(kind, 0)
    }

    /// Begins a record of a kind whose vectors and sums take this number of bytes.
    pub fn with_room(kind: &str, bytes: usize) -> Self {
        let mut hasher = Self(Vec::with_capacity(256 + bytes));
        hasher.bytes(kind.as_bytes());
        hasher
    }

    /// Adds a field.
    pub fn bytes(&mut self, field: &[u8]) -> &mut Self {
        self.len(field.len());
        self.0.extend_from_slice(field);
        self
    }

    /// Adds a vector of f32, by its bits.
    pub fn vector(&mut self, vector: &[f32]) -> &mut Self {
        self.words(vector, f32::to_le_bytes)
    }

    /// Adds a sum.
    pub fn sum(&mut self, sum: &[i64]) -> &mut Self {
        self.words(sum, i64::to_le_bytes)
    }

    /// Adds the entries of a map, in order of key.
    pub fn map(&mut self, map: &crate::settings::Metadata) -> &mut Self {
        self.bytes(&(map.len() as u64).to_le_bytes());
        for (key, value) in map {
            self.bytes(key.as_bytes()).bytes(value.as_bytes());
        }
        self
    }

    /// The record's hash.
    pub fn finish(&self) -> RecordHash {
        *blake3::hash(&self.0).as_bytes()
    }

    fn words<T: Copy, const N: usize>(
        &mut self,
        words: &[T],
        to_bytes: impl Fn(T) -> [u8; N],
    ) -> &mut Self {
        self.len(words.len() * N);
        let start = self.0.len();
        self.0.resize(start + words.len() * N, 0);
        let bytes = self.0[start..].as_chunks_mut::<N>().0;
        for (bytes, &word) in bytes.iter_mut().zip(words) {
            *bytes = to_bytes(word);
        }
        self
    }

    fn len(&mut self, len: usize) {
        self.0.extend_from_slice(&(len as u64).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> RecordHash {
        RecordHasher::new("test").bytes(text.as_bytes()).finish()
    }

    /// The hash that a category of this number might have.
    fn hash(number: u64) -> RecordHash {
        let mut hash = RecordHash::default();
        for (place, bytes) in (0..).zip(hash.as_chunks_mut::<8>().0) {
            let mixed = (number * 4 + place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *bytes = (mixed ^ (mixed >> 29)).to_le_bytes();
        }
        hash
    }

    #[test]
    fn ten_million_categories_come_and_go_and_leave_no_trace() {
        const ALL: u64 = 10_000_000;
        let (mut digest, mut half) = (SetDigest::default(), SetDigest::default());
        for number in 0..ALL {
            digest.insert(&hash(number));
            if number % 2 == 0 {
                half.insert(&hash(number));
            }
        }
        for number in (0..ALL).rev().filter(|number| number % 2 == 1) {
            digest.remove(&hash(number));
        }
        assert_eq!(digest, half);
        for number in (0..ALL).filter(|number| number % 2 == 0) {
            digest.remove(&hash(number));
        }
        assert_eq!(digest, SetDigest::default());
    }

    #[test]
    fn order_does_not_matter_and_removal_is_exact() {
        let mut forward = SetDigest::default();
        let mut backward = SetDigest::default();
        for text in ["a", "b", "c"] {
            forward.insert(&record(text));
        }
        for text in ["c", "b", "a"] {
            backward.insert(&record(text));
        }
        assert_eq!(forward, backward);
        forward.insert(&record("d"));
        assert_ne!(forward, backward);
        forward.remove(&record("d"));
        assert_eq!(forward, backward);
        assert_eq!(SetDigest::from_bytes(&forward.to_bytes()), forward);

        let (mut part, mut rest) = (SetDigest::default(), SetDigest::default());
        part.remove(&record("a"));
        rest.insert(&record("d"));
        part.combine_with(rest);
        backward.combine_with(part);
        forward.insert(&record("d"));
        forward.remove(&record("a"));
        assert_eq!(forward, backward);
    }

    #[test]
    fn a_record_is_hashed_as_its_fields_one_after_the_other() {
        let mut expected = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            expected.update(&(bytes.len() as u64).to_le_bytes());
            expected.update(bytes);
        };
        field(b"test");
        field(b"key");
        let sum: Vec<i64> = (0..3000).map(|i| i * -7_777_777_777).collect();
        let bytes: Vec<u8> = sum.iter().flat_map(|x| x.to_le_bytes()).collect();
        field(&bytes);
        let found = RecordHasher::new("test").bytes(b"key").sum(&sum).finish();
        assert_eq!(&found, expected.finalize().as_bytes());
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let of = |fields: &[&str]| {
            let mut hasher = RecordHasher::new("test");
            for field in fields {
                hasher.bytes(field.as_bytes());
            }
            hasher.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
    }
}
