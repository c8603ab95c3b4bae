//! Writing sums that the table lacks.

use rusqlite::Connection;

use ee_core::namespace::Draft;

use crate::catalog::cached_namespace::Loaded;
use crate::store::{NamespaceRow, State, StoreResult, queries};

/// Writes what a commit must bring along: the namespace's row, the sums that were built anew, and
/// a few of those that have waited longest.
pub(crate) fn save_due(
    connection: &Connection,
    loaded: &Loaded,
    draft: &Draft,
    effects: &[(i64, u64)],
) -> StoreResult<()> {
    let revision = draft.header.revision;
    let mut unsaved = loaded.unsaved.lock();
    for (category, revision) in effects {
        unsaved.touch(*category, *revision);
    }
    unsaved.count(effects.len() as u64);
    for category in draft.categories.values().flatten().filter(|c| c.rebuilt) {
        let id = category.category.id;
        let stats = &category.category.stats;
        queries::save_sum(connection, loaded.id, id, revision, stats, &category.sum)?;
        unsaved.forget(id);
    }
    for _ in 0..unsaved.due(effects.len() as u64) {
        if let Some(id) = unsaved.pop() {
            save_one(connection, loaded, draft, id)?;
        }
    }
    save_row(connection, loaded, draft, unsaved.checkpoint(revision))
}

/// Writes everything that the table lacks.
pub(crate) fn save_all(connection: &Connection, loaded: &Loaded) -> StoreResult<()> {
    let draft = Draft::new(*loaded.read().header());
    let mut unsaved = loaded.unsaved.lock();
    if unsaved.len() == 0 {
        return Ok(());
    }
    while let Some(id) = unsaved.pop() {
        save_one(connection, loaded, &draft, id)?;
    }
    save_row(connection, loaded, &draft, draft.header.revision)
}

fn save_one(connection: &Connection, loaded: &Loaded, draft: &Draft, id: i64) -> StoreResult<()> {
    let published = loaded.read();
    let Some(key) = published.key_in(draft, id) else {
        return Ok(()); // Deleted since.
    };
    match published.draft_in(draft, &key) {
        Some(category) if category.category.id == id => queries::save_sum(
            connection,
            loaded.id,
            id,
            draft.header.revision,
            &category.category.stats,
            &category.sum,
        ),
        _ => Ok(()),
    }
}

fn save_row(
    connection: &Connection,
    loaded: &Loaded,
    draft: &Draft,
    checkpoint: u64,
) -> StoreResult<()> {
    let profile = match &draft.profile {
        Some(profile) => profile.clone(),
        None => loaded.read().profile().clone(),
    };
    queries::save_namespace(
        connection,
        &NamespaceRow {
            id: loaded.id,
            name: loaded.name.clone(),
            state: State::Active,
            settings: loaded.settings.clone(),
            profile,
            header: draft.header,
            checkpoint,
        },
    )
}
