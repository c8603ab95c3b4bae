//! A namespace with changes in memory alone.
//!
//! It is read anew from a view, and the state machine works on it as on the store: with the same
//! results, to the last bit. Nothing is written, and no other call waits.

mod items;

use ee_core::command::record::Entry;
use ee_core::command::undo::{Reversal, UndoPlan};
use ee_core::command::{Command, CommandContext, WriteError, execute};
use ee_core::namespace::{Draft, Namespace, Origin};
use ee_store::{ItemReads, NamespaceRow, Reads, View};

use crate::copy_budget::{CopiedBytes, CopyBudget};
use crate::read::copy::copy;
use crate::read::overlay::items::OverlayItems;
use crate::{Error, Result};

/// A namespace as of a view, and changed since.
pub(crate) struct OverlayNamespace {
    published: Namespace,
    items: OverlayItems,
    /// Bytes of the categories.
    category_bytes: u64,
    copied: CopiedBytes,
    threads: usize,
}

impl OverlayNamespace {
    /// The namespace as of a view. The arithmetic of a change may be split over `threads`. Its bytes
    /// are taken of a budget.
    pub(crate) fn load(
        view: Box<dyn View>,
        row: &NamespaceRow,
        budget: &CopyBudget,
        threads: usize,
    ) -> Result<Self> {
        let (published, copied) = copy(view.reads(), row, budget)?;
        let items = OverlayItems::new(view, row.id);
        Ok(Self {
            published,
            items,
            category_bytes: copied.bytes(),
            copied,
            threads,
        })
    }

    /// Its categories.
    pub(crate) fn published(&self) -> &Namespace {
        &self.published
    }

    /// Its items.
    pub(crate) fn items(&self) -> &dyn ItemReads {
        &self.items
    }

    /// The view, without the changes.
    pub(crate) fn view(&self) -> &dyn Reads {
        self.items.view()
    }

    /// Applies a command of an actor; the namespace is at `revision` then. Returns the entry that the log
    /// would have; `None`: nothing changed.
    pub(crate) fn apply(
        &mut self,
        command: &Command,
        actor: &str,
        revision: u64,
    ) -> Result<Option<Entry>> {
        let origin = Origin {
            actor: actor.to_owned(),
            ..Origin::default()
        };
        let context = CommandContext {
            origin: &origin,
            request_id: "",
            number: 0,
            // No other call waits.
            bounded: false,
            prepared: None,
        };
        let batch = Draft::new(*self.published.header());
        let applied = execute(&self.published, &batch, &mut self.items, command, context);
        let applied = applied.map_err(|error| match error {
            WriteError::Rejected(rejection) => rejection.into(),
            WriteError::Store(error) => Error::from(error),
            WriteError::Unprepared => Error::Unprepared,
        })?;
        let (mut draft, entry) = match applied.change {
            Some((draft, entry)) => (draft, Some(entry)),
            None => (batch, None),
        };
        draft.header.revision = revision;
        draft.finalize_hashes(self.threads, || {});
        Draft::compute_directions(std::iter::once(&mut draft), self.threads, || {});
        self.published.publish(draft);
        self.copied
            .grow_to(self.category_bytes + self.items.bytes())?;
        Ok(entry)
    }

    /// Takes changes back, the newest of which comes first; the namespace is at `revision` then.
    pub(crate) fn take_back(&mut self, reversals: Vec<Reversal>, revision: u64) -> Result<()> {
        let plan = UndoPlan {
            revision: self.published.header().revision,
            reversals,
            ..UndoPlan::default()
        };
        self.apply(&Command::Undo(plan.into()), "", revision)?;
        Ok(())
    }
}

/// The changes of an entry, the newest first, each with what it takes to take it back.
pub(crate) fn reversals(entry: Entry) -> impl Iterator<Item = Reversal> {
    let Entry {
        revision,
        changes,
        images,
        ..
    } = entry;
    changes.into_iter().rev().map(move |change| {
        let image = change.imaged().and_then(|id| {
            // The first image is the state before the entry.
            images.iter().find(|image| image.item == id).cloned()
        });
        Reversal {
            revision,
            change,
            image,
        }
    })
}

#[cfg(test)]
mod tests {
    use ee_core::command::ItemPut;

    use super::*;
    use crate::{Engine, NewNamespace, Options, WriteContext};

    #[test]
    fn items_that_differ_are_taken_of_the_budget() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::open(directory.path(), Options::default()).unwrap();
        let created = NewNamespace::plain(256);
        engine
            .create_namespace(created.clone(), WriteContext::default())
            .unwrap();
        let view = engine.shared.backend.view().unwrap();
        let row = view.reads().namespace_by_name(&created.name).unwrap();
        let budget = CopyBudget::new(10_000);
        let mut overlay = OverlayNamespace::load(view, &row.unwrap(), &budget, 1).unwrap();
        let put = |key: &str| {
            Command::PutItems(vec![ItemPut {
                key: key.to_owned(),
                embedding: Some(vec![1.0; 256]),
                ..ItemPut::default()
            }])
        };
        overlay.apply(&put("a"), "", 2).unwrap();
        let one = budget.taken();
        assert!((1_024..2_048).contains(&one), "{one}");
        overlay.apply(&put("a"), "", 3).unwrap();
        assert_eq!(budget.taken(), one);
        let refused = (0..).find_map(|n| overlay.apply(&put(&format!("{n}")), "", 4).err());
        assert!(matches!(refused, Some(Error::PastTooFar { .. })));
        drop(overlay);
        assert_eq!(budget.taken(), 0);
    }
}
