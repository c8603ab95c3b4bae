//! Reading a namespace into memory: records, written sums, and the log entries since.

use ee_core::command::Replay;
use ee_core::command::record::ItemImage;
use ee_core::namespace::Namespace;
use ee_store::{NamespaceRow, Reads, StoreError, StoreResult};

use crate::catalog::cached_namespace::CachedNamespace;
use crate::catalog::dirty_sums::DirtySums;

/// Loads the active namespace with a name, if there is one.
pub(crate) fn load(reads: &dyn Reads, name: &str) -> StoreResult<Option<CachedNamespace>> {
    let Some(row) = reads.namespace_by_name(name)? else {
        return Ok(None);
    };
    let (namespace, dirty_sums) = read_namespace(reads, &row)?;
    Ok(Some(CachedNamespace::new(&row, namespace, dirty_sums)))
}

/// Reads a namespace's state. Fails if it is not the state that was recorded.
pub(crate) fn read_namespace(
    reads: &dyn Reads,
    row: &NamespaceRow,
) -> StoreResult<(Namespace, DirtySums)> {
    let named = |place: String| format!("namespace {:?}: {place}", row.name);
    let place = |error: StoreError| match error {
        StoreError::Corrupted { place, what } => StoreError::corrupted(named(place), what),
        StoreError::Newer { place, what } => StoreError::Newer {
            place: named(place),
            what,
        },
        other => other,
    };
    let revision = row.header.revision;
    let mut replay = Replay::new(row.settings.clone(), row.profile.clone(), row.header);
    reads
        .stored_categories(row.id, &mut |load| replay.category(load))
        .map_err(place)?;
    let mut touched = Vec::new();
    let mut entries = 0;
    reads
        .entries_after(row.id, row.sums_revision, &mut |entry| {
            replay.entry(&entry, |item| image(reads, row.id, item))?;
            entries += 1;
            touched.push((entry.revision, entry.effects));
            Ok(())
        })
        .map_err(place)?;
    if entries != revision - row.sums_revision {
        return Err(place(StoreError::corrupted(
            "log",
            format!(
                "{entries} entries after revision {}, there must be {}",
                row.sums_revision,
                revision - row.sums_revision
            ),
        )));
    }
    let mut dirty_sums = DirtySums::default();
    for (revision, effects) in touched.iter().rev() {
        for effect in effects {
            dirty_sums.touch(effect.category, *revision);
        }
        dirty_sums.count(effects.len() as u64);
    }
    dirty_sums.commit();
    let namespace = replay.finish().map_err(|error| place(error.into()))?;
    Ok((namespace, dirty_sums))
}

fn image(reads: &dyn Reads, namespace: i64, item: i64) -> StoreResult<ItemImage> {
    let item = reads.item_by_id(namespace, item)?;
    Ok(ItemImage {
        item: item.id,
        weight: item.weight,
        embedding: item.embedding,
    })
}
