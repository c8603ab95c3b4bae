//! Page tokens: the position where a list continues, bound to the list that issued them.
//!
//! A token is the hash of the cursor, method, namespace and filter, followed by the cursor, in hex. A
//! damaged token, or one of another list, has a wrong hash. The hash protects against mistakes; access
//! depends on the grant alone.

use std::fmt::Write;

use xxhash_rust::xxh3::Xxh3;

use crate::call_error::{CallError, Result};
use crate::proto::v1::ErrorReason;

/// The list that a token belongs to: method, namespace, and filter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a>(pub(crate) [&'a str; 3]);

const HASH_BYTES: usize = 8;

impl Binding<'_> {
    /// The token of a cursor.
    pub(crate) fn token(&self, cursor: &[u8]) -> String {
        let mut token = String::with_capacity(2 * (HASH_BYTES + cursor.len()));
        for byte in self.hash(cursor).iter().chain(cursor) {
            // Writing to a string cannot fail.
            let _ = write!(token, "{byte:02x}");
        }
        token
    }

    /// The cursor of a token; `None` for the empty token.
    pub(crate) fn cursor(&self, token: &str) -> Result<Option<Vec<u8>>> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = from_hex(token).ok_or_else(invalid)?;
        let (hash, cursor) = bytes
            .split_first_chunk::<HASH_BYTES>()
            .ok_or_else(invalid)?;
        if *hash != self.hash(cursor) {
            return Err(invalid());
        }
        Ok(Some(cursor.to_vec()))
    }

    /// The cursor of a token, if it is a key.
    pub(crate) fn key(&self, token: &str) -> Result<Option<String>> {
        self.cursor(token)?.as_deref().map(key).transpose()
    }

    /// The cursor of a token, if it is a position.
    pub(crate) fn place(&self, token: &str) -> Result<Option<u64>> {
        self.cursor(token)?
            .map(|cursor| {
                let bytes = cursor.try_into().map_err(|_| invalid())?;
                Ok(u64::from_le_bytes(bytes))
            })
            .transpose()
    }

    fn hash(&self, cursor: &[u8]) -> [u8; HASH_BYTES] {
        let mut hash = Xxh3::new();
        for part in self.0 {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(cursor);
        hash.digest().to_le_bytes()
    }
}

/// A cursor that is a key.
pub(crate) fn key(cursor: &[u8]) -> Result<String> {
    String::from_utf8(cursor.to_vec()).map_err(|_| invalid())
}

#[cold]
pub(crate) fn invalid() -> CallError {
    CallError::at(
        ErrorReason::InvalidPageToken,
        "page_token",
        "is not a token that this list gave for this filter",
    )
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|&[high, low]| Some((digit(high)? << 4 | digit(low)?) as u8))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BINDING: Binding<'_> = Binding(["ListItems", "alice", "category"]);

    #[test]
    fn belongs_to_one_list() {
        let token = BINDING.token(b"key");
        assert_eq!(BINDING.key(&token).unwrap().as_deref(), Some("key"));
        for other in [
            ["ListCategories", "alice", "category"],
            ["ListItems", "bob", "category"],
            ["ListItems", "alice", ""],
            ["ListItems", "alicecategory", ""],
        ] {
            assert!(Binding(other).key(&token).is_err());
        }
        assert!(BINDING.place(&token).is_err());
        assert_eq!(BINDING.key("").unwrap(), None);
    }

    proptest! {
        #[test]
        fn gives_back_the_cursor(cursor in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(BINDING.cursor(&BINDING.token(&cursor)).unwrap(), Some(cursor));
        }

        #[test]
        fn refuses_anything_else(token in "[0-9a-fé ]{1,60}") {
            prop_assert!(BINDING.cursor(&token).is_err());
        }
    }
}
