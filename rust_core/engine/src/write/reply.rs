//! What gets the result of a write.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::Result;
use crate::api::Written;
use crate::shared::Shared;

/// Gets the result of one write, in the thread that ends the write. If it is dropped without a result it gets
/// an error that says why there is none.
pub(crate) struct Reply {
    then: Option<Then>,
    shared: Arc<Shared>,
}

/// What a caller does with a result.
pub(crate) type Then = Box<dyn FnOnce(Result<Written>) + Send>;

impl Reply {
    pub(crate) fn new(shared: Arc<Shared>, then: Then) -> Self {
        Self {
            then: Some(then),
            shared,
        }
    }

    /// Gives the result.
    pub(crate) fn send(mut self, result: Result<Written>) {
        self.give(|_| result);
    }

    fn give(&mut self, result: impl FnOnce(&Shared) -> Result<Written>) {
        if let Some(then) = self.then.take() {
            let result = result(&self.shared);
            // A panic of what takes the result is no defect of the writer, whose thread this may be.
            let _ = catch_unwind(AssertUnwindSafe(|| then(result)));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // The writer was closed, or stopped by a defect.
        self.give(|shared| Err(shared.health.unanswered()));
    }
}
