//! The failure latch: after the first error nothing more is written.

use parking_lot::Mutex;

/// Why nothing more is written. Set once, by the first error; never reset.
///
/// A failed sync is not tried again, since the kernel may have dropped the pages that it could not
/// write. A restart reads the actual content of the disk.
#[derive(Debug, Default)]
pub struct FailureLatch(Mutex<Option<String>>);

impl FailureLatch {
    /// Ends writing. The first cause stays, as later errors follow from it.
    pub fn set(&self, cause: &str) {
        self.0.lock().get_or_insert_with(|| cause.to_owned());
    }

    /// Whether writing has ended.
    pub fn is_set(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Why writing has ended.
    pub fn cause(&self) -> Option<String> {
        self.0.lock().clone()
    }
}
