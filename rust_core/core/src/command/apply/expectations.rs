//! What entries expect of their items before the command.

use super::{ApplyResult, Execution, WriteError};
use crate::command::{Rejection, Store};

impl<S: Store + ?Sized> Execution<'_, S> {
    /// Rejects the command if an item is not in the category that its entry expects: all of them are
    /// compared before the first entry changes anything. Entries: item, expected category.
    pub(super) fn check_expectations<'e>(
        &mut self,
        entries: impl Iterator<Item = (&'e str, Option<&'e str>)>,
    ) -> ApplyResult<(), S> {
        for (index, (item, expected)) in entries.enumerate() {
            if let Some(expected) = expected {
                self.check_expectation(index, item, expected)?;
            }
        }
        Ok(())
    }

    fn check_expectation(&mut self, index: usize, key: &str, expected: &str) -> ApplyResult<(), S> {
        let item = self.store.item(key).map_err(WriteError::Store)?;
        let memberships = match item {
            Some(item) => self.store.memberships(item.id).map_err(WriteError::Store)?,
            None => Vec::new(),
        };
        let mut actual = memberships.iter().map(|membership| {
            let key = self.published.key_in(self.batch, membership.category);
            key.expect("a membership's category exists")
        });
        let first = actual.next();
        let holds = match &first {
            None => expected.is_empty(),
            Some(first) => &**first == expected || actual.any(|other| &*other == expected),
        };
        if holds {
            return Ok(());
        }
        Err(Rejection::CategoryMismatch {
            index,
            item: key.to_owned(),
            expected: expected.to_owned(),
            actual: first.map_or_else(String::new, |first| first.to_string()),
        }
        .into())
    }
}
