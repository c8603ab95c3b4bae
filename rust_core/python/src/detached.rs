//! Values whose drop may block: they are dropped without the GIL.

use pyo3::prelude::*;

/// A value that is dropped detached.
pub(crate) struct Detached<T: Send>(Option<T>);

impl<T: Send> Detached<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// The value.
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T: Send> Drop for Detached<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        // While the interpreter ends, no other thread of Python is held up.
        let mut value = Some(value);
        let _ = Python::try_attach(|py| {
            let value = value.take();
            py.detach(move || drop(value));
        });
    }
}
