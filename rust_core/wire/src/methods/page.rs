//! Pages of a listing: how many entries to read, where a page ends, and the token of the next page.

use prost::Message;

use crate::call::NamespaceCall;
use crate::limits::PAGE_BYTES;

/// The entries of a page, and whether another page follows.
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    pub(super) more: bool,
}

impl<T: Message> Page<T> {
    /// A page of up to `size` entries, from an answer of up to `size` + 1.
    /// It ends early if it becomes too large for a message.
    pub(super) fn of<V>(answer: Vec<V>, size: usize, encode: impl Fn(V) -> T) -> Self {
        let found = answer.len();
        let mut entries = Vec::with_capacity(found.min(size));
        let mut bytes = 0;
        for view in answer.into_iter().take(size) {
            let entry = encode(view);
            bytes += entry.encoded_len();
            if bytes > PAGE_BYTES && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Self {
            more: entries.len() < found,
            entries,
        }
    }

    /// The token of the next page, from the last entry of this one; empty on the last page.
    pub(super) fn next(&self, token: impl FnOnce(&T) -> String) -> String {
        match self.entries.last() {
            Some(last) if self.more => token(last),
            _ => String::new(),
        }
    }
}

/// The number of entries to read: no more vectors than fit the page.
pub(super) fn wanted(call: &NamespaceCall<'_>, size: usize, vectors_each: usize) -> usize {
    if vectors_each == 0 {
        return size;
    }
    let dimension = call.settings().dimension as usize;
    let bytes = dimension * size_of::<f32>() * vectors_each;
    size.min((PAGE_BYTES / bytes).max(1))
}
