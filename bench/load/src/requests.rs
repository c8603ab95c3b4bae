//! Requests that differ by a number at some places.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};

use crate::Result;

/// A place of a call's number.
const NUMBER: &[u8] = b"################";
/// A place of that number modulo [`CHOICES`].
const CHOICE: &[u8] = b"%%%%";
const CHOICES: u64 = 100;

/// The requests of a run.
#[derive(Clone)]
pub(crate) struct Requests(Arc<Inner>);

struct Inner {
    message: Bytes,
    numbers: Vec<usize>,
    choices: Vec<usize>,
    next: AtomicU64,
}

impl Requests {
    pub(crate) fn new(message: Bytes) -> Result<Self> {
        let places = |place: &[u8]| {
            let starts = (0..message.len()).filter(|&at| message[at..].starts_with(place));
            starts.collect()
        };
        // As many digits as a place has.
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
        Ok(Self(Arc::new(Inner {
            numbers: places(NUMBER),
            choices: places(CHOICE),
            next: AtomicU64::new(u64::try_from(now)?),
            message,
        })))
    }

    pub(crate) fn next(&self) -> Bytes {
        let Inner {
            message,
            numbers,
            choices,
            next,
        } = &*self.0;
        if numbers.is_empty() && choices.is_empty() {
            return message.clone();
        }
        let number = next.fetch_add(1, Ordering::Relaxed);
        let mut message = BytesMut::from(&message[..]);
        let mut put = |places: &[usize], digits: String| {
            for &at in places {
                message[at..at + digits.len()].copy_from_slice(digits.as_bytes());
            }
        };
        put(numbers, format!("{number:016}"));
        put(choices, format!("{:04}", number % CHOICES));
        message.freeze()
    }
}
