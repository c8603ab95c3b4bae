//! Writing dirty sums to the store.

use ee_core::namespace::Draft;
use ee_store::{NamespaceRow, NamespaceState, StoreResult, WriteSession};

use crate::catalog::cached_namespace::CachedNamespace;

/// Writes what a commit brings along: the namespace's row, the sums that were rebuilt, and a few of the
/// sums that have been dirty for longest.
pub(crate) fn write_due(
    session: &mut dyn WriteSession,
    loaded: &CachedNamespace,
    draft: &Draft,
    effects: &[(i64, u64)],
) -> StoreResult<()> {
    let revision = draft.header.revision;
    let mut dirty = loaded.dirty_sums.lock();
    for (category, revision) in effects {
        dirty.touch(*category, *revision);
    }
    dirty.count(effects.len() as u64);
    for category in draft.categories.values().flatten().filter(|c| c.rebuilt) {
        let id = category.category.id;
        session.save_sum(loaded.id, revision, category)?;
        dirty.forget(id);
    }
    for _ in 0..dirty.due(effects.len() as u64) {
        if let Some(id) = dirty.pop() {
            write_sum(session, loaded, draft, id)?;
        }
    }
    write_row(session, loaded, draft, dirty.saved_revision(revision))
}

/// Writes all dirty sums of a namespace.
pub(crate) fn write_all(
    session: &mut dyn WriteSession,
    loaded: &CachedNamespace,
) -> StoreResult<()> {
    let draft = Draft::new(*loaded.read().header());
    let mut dirty = loaded.dirty_sums.lock();
    if dirty.is_empty() {
        return Ok(());
    }
    while let Some(id) = dirty.pop() {
        write_sum(session, loaded, &draft, id)?;
    }
    write_row(session, loaded, &draft, draft.header.revision)
}

/// Writes at most `count` of the sums that have been dirty for longest. Returns the revision up to which
/// the store has all sums afterwards.
pub(crate) fn write_oldest(
    session: &mut dyn WriteSession,
    loaded: &CachedNamespace,
    count: usize,
) -> StoreResult<u64> {
    let draft = Draft::new(*loaded.read().header());
    let mut dirty = loaded.dirty_sums.lock();
    for _ in 0..count {
        let Some(id) = dirty.pop() else {
            break;
        };
        write_sum(session, loaded, &draft, id)?;
    }
    let saved = dirty.saved_revision(draft.header.revision);
    write_row(session, loaded, &draft, saved)?;
    Ok(saved)
}

fn write_sum(
    session: &mut dyn WriteSession,
    loaded: &CachedNamespace,
    draft: &Draft,
    id: i64,
) -> StoreResult<()> {
    let published = loaded.read();
    let Some(key) = published.key_in(draft, id) else {
        return Ok(()); // Deleted since.
    };
    match published.draft_in(draft, &key) {
        Some(category) if category.category.id == id => {
            session.save_sum(loaded.id, draft.header.revision, &category)
        }
        _ => Ok(()),
    }
}

fn write_row(
    session: &mut dyn WriteSession,
    loaded: &CachedNamespace,
    draft: &Draft,
    sums_revision: u64,
) -> StoreResult<()> {
    let profile = match &draft.profile {
        Some(profile) => profile.clone(),
        None => loaded.read().profile().clone(),
    };
    session.update_namespace(&NamespaceRow {
        id: loaded.id,
        name: loaded.name.clone(),
        state: NamespaceState::Active,
        settings: loaded.settings.clone(),
        profile,
        header: draft.header,
        sums_revision,
    })
}
