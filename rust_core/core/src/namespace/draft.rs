//! The state of a namespace as it will be once a write is durable.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::{CategoryDraft, EntryDrift, Header, Item, Profile};
use crate::arithmetic::digest::SetDigest;
use crate::parallel::run_alongside;

/// Changes on top of a published namespace. Until its hashes are finalized, the digests in its
/// header lack what was created or changed; until it is completed, readers lack rows.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The counts after the changes.
    pub header: Header,
    /// Description and labels, if they changed.
    pub profile: Option<Profile>,
    /// The categories that were read or changed, by key; `None`: deleted.
    pub categories: FxHashMap<Arc<str>, Option<CategoryDraft>>,
    /// Keys of the categories in this draft, by identifier.
    pub keys: FxHashMap<i64, Arc<str>>,
    /// New items, whose hashes are not in the header yet.
    pub created: Vec<Item>,
    /// Drifts that entries report, as far as they were computed.
    pub(crate) drifts: Vec<EntryDrift>,
}

/// Items and categories from which on the work is shared with other threads: some tens of
/// microseconds of it.
const SHARED: usize = 12;

/// A record to hash.
enum Unhashed<'a> {
    Item(&'a Item),
    Category(&'a mut CategoryDraft),
}

impl Draft {
    /// No changes on top of a namespace with these counts.
    pub fn new(header: Header) -> Self {
        Self {
            header,
            profile: None,
            categories: FxHashMap::default(),
            keys: FxHashMap::default(),
            created: Vec::new(),
            drifts: Vec::new(),
        }
    }

    /// Adds the changes of a later command.
    pub fn merge(&mut self, later: Draft) {
        self.header = later.header;
        self.profile = later.profile.or(self.profile.take());
        self.keys.extend(later.keys);
        // A later draft of a category was made from the earlier one, so it includes its changes.
        self.categories.extend(later.categories);
        self.created.extend(later.created);
        self.drifts.extend(later.drifts);
    }

    /// Computes what must be durable and no command has needed so far, on up to `threads` threads:
    /// the hashes of new and changed records, and with them the digests. Cannot fail.
    ///
    /// A digest is a sum, so it does not matter which thread has added which hash.
    ///
    /// This thread runs `meanwhile` first, while other threads begin.
    pub fn finalize_hashes(&mut self, threads: usize, meanwhile: impl FnOnce()) {
        let created = std::mem::take(&mut self.created);
        let categories = self.categories.values_mut().flatten();
        let stale = categories.filter(|category| category.hash_is_stale());
        let stale: Vec<_> = stale.map(Unhashed::Category).collect();
        let count = created.len() + stale.len();
        let threads = if count < SHARED { 1 } else { threads };
        let rest = Mutex::new(created.iter().map(Unhashed::Item).chain(stale));
        let work = || {
            let (mut items, mut categories) = (SetDigest::default(), SetDigest::default());
            while let Some(next) = next_of(&rest) {
                match next {
                    Unhashed::Item(item) => items.insert(&item.hash()),
                    Unhashed::Category(category) => category.renew_hash(&mut categories),
                }
            }
            (items, categories)
        };
        for (items, categories) in run_alongside(threads, work, meanwhile) {
            self.header.item_records.combine_with(items);
            self.header.category_records.combine_with(categories);
        }
    }

    /// Computes what readers and callers need of these drafts and no command has needed so far, on
    /// up to `threads` threads: rows, and the drifts that entries report. Cannot fail, and nothing
    /// of it is stored, so `meanwhile` may make the drafts durable.
    ///
    /// This thread runs `meanwhile` first, while other threads begin.
    pub fn compute_directions<'a>(
        drafts: impl Iterator<Item = &'a mut Self>,
        threads: usize,
        meanwhile: impl FnOnce(),
    ) {
        let mut drafts: Vec<_> = drafts.collect();
        let categories = drafts
            .iter_mut()
            .flat_map(|draft| draft.categories.values_mut());
        let incomplete = categories.flatten().filter(|draft| draft.is_incomplete());
        let incomplete: Vec<_> = incomplete.collect();
        let threads = if incomplete.len() < SHARED {
            1
        } else {
            threads
        };
        let rest = Mutex::new(incomplete.into_iter());
        let work = || {
            while let Some(category) = next_of(&rest) {
                category.complete();
            }
        };
        run_alongside(threads, work, meanwhile);
        for draft in drafts {
            for category in draft.categories.values_mut().flatten() {
                draft.drifts.extend(category.take_drifts());
            }
        }
    }

    /// Takes the drifts that entries report and that were computed: all of them, after
    /// [`Draft::compute_directions`].
    pub fn take_drifts(&mut self) -> Vec<EntryDrift> {
        std::mem::take(&mut self.drifts)
    }
}

fn next_of<T>(rest: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    rest.lock().unwrap_or_else(PoisonError::into_inner).next()
}
