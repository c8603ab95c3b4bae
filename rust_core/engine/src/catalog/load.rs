//! Reading a namespace back into memory: records, written sums, and the log entries since.

use ee_core::command::Replay;
use ee_core::command::record::ItemImage;
use ee_core::namespace::Namespace;
use rusqlite::Connection;

use crate::catalog::cached_namespace::{LoadResult, Loaded, Unsaved};
use crate::store::{NamespaceRow, StoreError, StoreResult, queries};

/// Loads the active namespace with a name; none if there is none. The connection sees one moment.
pub(crate) fn load(connection: &Connection, name: &str) -> LoadResult {
    let Some(row) = queries::namespace_by_name(connection, name)? else {
        return Ok(None);
    };
    let (namespace, unsaved) = read_namespace(connection, &row)?;
    Ok(Some(Loaded::new(&row, namespace, unsaved)))
}

/// Reads a namespace's state; fails if it is not the one that was recorded.
pub(crate) fn read_namespace(
    connection: &Connection,
    row: &NamespaceRow,
) -> StoreResult<(Namespace, Unsaved)> {
    let place = |what: StoreError| match what {
        StoreError::Corrupted { place, what } => {
            StoreError::corrupted(format!("namespace {:?}: {place}", row.name), what)
        }
        other => other,
    };
    let revision = row.header.revision;
    let mut unsaved = Unsaved::default();
    let mut replay = Replay::new(row.settings.clone(), row.profile.clone(), row.header);
    queries::stored_categories(connection, row.id, |load| replay.category(load)).map_err(place)?;
    let mut touched = Vec::new();
    let mut entries = 0;
    queries::entries_after(connection, row.id, row.checkpoint, |entry| {
        replay.entry(&entry, |item| image(connection, item))?;
        entries += 1;
        touched.push((entry.revision, entry.effects));
        Ok(())
    })
    .map_err(place)?;
    if entries != revision - row.checkpoint {
        return Err(place(StoreError::corrupted(
            "log",
            format!(
                "{entries} entries after revision {}, there must be {}",
                row.checkpoint,
                revision - row.checkpoint
            ),
        )));
    }
    for (revision, effects) in touched.iter().rev() {
        for effect in effects {
            unsaved.touch(effect.category, *revision);
        }
        unsaved.count(effects.len() as u64);
    }
    let namespace = replay.finish().map_err(|error| place(error.into()))?;
    Ok((namespace, unsaved))
}

fn image(connection: &Connection, item: i64) -> StoreResult<ItemImage> {
    let item = queries::item_by_id(connection, item)?;
    Ok(ItemImage {
        item: item.id,
        weight: item.weight,
        embedding: item.embedding,
    })
}
