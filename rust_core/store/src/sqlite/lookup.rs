//! Single rows: items, memberships, category records.

use ee_core::namespace::{CategoryRecord, Item, Membership, Origin};
use ee_core::settings::Metadata;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::checksum::Checksum;
use crate::codec::{check_extensions, decode, encode};
use crate::codec::{floats_from_bytes, floats_to_bytes};
use crate::{StoreError, StoreResult};

pub(super) const ITEM: &str =
    "id, namespace, key, weight, created, checksum, extensions, metadata, embedding";
pub(super) const MEMBERSHIP: &str =
    "item, category, sequence, time, actor, reason, checksum, extensions";

/// The item with a key.
pub(crate) fn item_by_key(
    connection: &Connection,
    namespace: i64,
    key: &str,
) -> StoreResult<Option<Item>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ITEM} FROM items WHERE namespace = ?1 AND key = ?2"
    ))?;
    let raw = statement
        .query_row((namespace, key), RawItem::read)
        .optional()?;
    raw.map(RawItem::check).transpose()
}

/// The item with an identifier, which must exist.
pub(crate) fn item_by_id(connection: &Connection, id: i64) -> StoreResult<Item> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {ITEM} FROM items WHERE id = ?1"))?;
    let raw = statement.query_row([id], RawItem::read).optional()?;
    raw.ok_or_else(|| StoreError::corrupted(format!("items, row {id}"), "the row is missing"))?
        .check()
}

/// The key of the item with an identifier, which must exist.
pub(crate) fn item_key(connection: &Connection, id: i64) -> StoreResult<String> {
    let mut statement = connection.prepare_cached("SELECT key FROM items WHERE id = ?1")?;
    let key = statement.query_row([id], |row| row.get(0)).optional()?;
    key.ok_or_else(|| StoreError::corrupted(format!("items, row {id}"), "the row is missing"))
}

/// The memberships of an item, by sequence.
pub(crate) fn memberships_of(connection: &Connection, item: i64) -> StoreResult<Vec<Membership>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {MEMBERSHIP} FROM memberships WHERE item = ?1"
    ))?;
    let rows = statement.query_map([item], |row| RawMembership::read(row, 0))?;
    let mut memberships = rows
        .map(|row| row?.check())
        .collect::<StoreResult<Vec<Membership>>>()?;
    memberships.sort_unstable_by_key(|membership| membership.sequence);
    Ok(memberships)
}

/// The key of the category with an identifier, which must exist.
pub(crate) fn category_key(connection: &Connection, id: i64) -> StoreResult<String> {
    let mut statement = connection.prepare_cached("SELECT key FROM categories WHERE id = ?1")?;
    let key = statement.query_row([id], |row| row.get(0)).optional()?;
    key.ok_or_else(|| StoreError::corrupted(format!("categories, row {id}"), "the row is missing"))
}

/// The identifier of the category with a key.
pub(crate) fn category_id(
    connection: &Connection,
    namespace: i64,
    key: &str,
) -> StoreResult<Option<i64>> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM categories WHERE namespace = ?1 AND key = ?2")?;
    Ok(statement
        .query_row((namespace, key), |row| row.get(0))
        .optional()?)
}

/// A row of `items`.
pub(super) struct RawItem {
    pub(super) id: i64,
    pub(super) namespace: i64,
    pub(super) key: String,
    weight: f64,
    created: i64,
    checksum: i64,
    /// Fields of newer versions: refused when the row is checked.
    extensions: Option<Vec<u8>>,
    metadata: Vec<u8>,
    embedding: Vec<u8>,
}

impl RawItem {
    pub(super) fn new(namespace: i64, id: i64, item: &Item) -> Self {
        Self {
            id,
            namespace,
            key: item.key.clone(),
            weight: f64::from(item.weight),
            created: item.created_ms,
            checksum: 0,
            extensions: None,
            metadata: if item.metadata.is_empty() {
                Vec::new()
            } else {
                encode(&item.metadata)
            },
            embedding: floats_to_bytes(&item.embedding),
        }
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            namespace: row.get(1)?,
            key: row.get(2)?,
            weight: row.get(3)?,
            created: row.get(4)?,
            checksum: row.get(5)?,
            extensions: row.get(6)?,
            metadata: row.get(7)?,
            embedding: row.get(8)?,
        })
    }

    /// Inserts rows.
    pub(super) fn inserting(
        connection: &Connection,
    ) -> StoreResult<impl FnMut(&Self) -> StoreResult<()>> {
        let mut statement = connection.prepare_cached(&format!(
            "INSERT INTO items ({ITEM}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, ?7, ?8)"
        ))?;
        Ok(move |item: &Self| {
            statement.execute((
                item.id,
                item.namespace,
                &item.key,
                item.weight,
                item.created,
                item.checksum().finish(),
                &item.metadata,
                &item.embedding,
            ))?;
            Ok(())
        })
    }

    pub(super) fn update(&self, connection: &Connection) -> StoreResult<()> {
        connection
            .prepare_cached(
                "UPDATE items SET weight = ?2, checksum = ?3, metadata = ?4, embedding = ?5
                 WHERE id = ?1",
            )?
            .execute((
                self.id,
                self.weight,
                self.checksum().finish(),
                &self.metadata,
                &self.embedding,
            ))?;
        Ok(())
    }

    fn checksum(&self) -> Checksum {
        let mut checksum = Checksum::new("items");
        checksum
            .int(self.id)
            .int(self.namespace)
            .bytes(self.key.as_bytes())
            .bytes(&self.weight.to_le_bytes())
            .int(self.created)
            .bytes(&self.metadata)
            .bytes(&self.embedding)
            .nullable(self.extensions.as_deref());
        checksum
    }

    pub(super) fn check(self) -> StoreResult<Item> {
        let place = || format!("items, row {}", self.id);
        self.checksum().check(self.checksum, place)?;
        if self.extensions.is_some() {
            check_extensions(self.extensions.as_deref(), "item", &place())?;
        }
        Ok(Item {
            id: self.id,
            weight: self.weight as f32,
            embedding: floats_from_bytes(&self.embedding),
            metadata: if self.metadata.is_empty() {
                Metadata::new()
            } else {
                decode(&self.metadata, &place())?
            },
            created_ms: self.created,
            key: self.key,
        })
    }
}

/// A row of `memberships`.
pub(super) struct RawMembership {
    membership: Membership,
    checksum: i64,
    /// Fields of newer versions: refused when the row is checked.
    extensions: Option<Vec<u8>>,
}

impl RawMembership {
    /// Reads the columns [`MEMBERSHIP`], of which the first is at a place in the row.
    pub(super) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            membership: Membership {
                item: row.get(at)?,
                category: row.get(at + 1)?,
                sequence: row.get::<_, i64>(at + 2)?.cast_unsigned(),
                origin: Origin {
                    time_ms: row.get(at + 3)?,
                    actor: row.get(at + 4)?,
                    reason: row.get(at + 5)?,
                },
            },
            checksum: row.get(at + 6)?,
            extensions: row.get(at + 7)?,
        })
    }

    /// Inserts rows.
    pub(super) fn inserting(
        connection: &Connection,
    ) -> StoreResult<impl FnMut(&Membership) -> StoreResult<()>> {
        let mut statement = connection
            .prepare_cached("INSERT INTO memberships VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)")?;
        Ok(move |membership: &Membership| {
            statement.execute((
                membership.item,
                membership.category,
                membership.sequence.cast_signed(),
                membership.origin.time_ms,
                &membership.origin.actor,
                &membership.origin.reason,
                Self::checksum(membership).finish(),
            ))?;
            Ok(())
        })
    }

    fn checksum(membership: &Membership) -> Checksum {
        let mut checksum = Checksum::new("memberships");
        checksum
            .int(membership.category)
            .int(membership.sequence.cast_signed())
            .int(membership.item)
            .int(membership.origin.time_ms)
            .bytes(membership.origin.actor.as_bytes())
            .bytes(membership.origin.reason.as_bytes());
        checksum
    }

    pub(super) fn check(self) -> StoreResult<Membership> {
        let place = || {
            format!(
                "memberships, item {}, category {}",
                self.membership.item, self.membership.category
            )
        };
        let extensions = self.extensions.as_deref();
        Self::checksum(&self.membership)
            .nullable(extensions)
            .check(self.checksum, place)?;
        if extensions.is_some() {
            check_extensions(extensions, "membership", &place())?;
        }
        Ok(self.membership)
    }
}

/// A row of `categories`.
pub(super) struct RawCategory {
    pub(super) id: i64,
    pub(super) namespace: i64,
    key: String,
    record: Vec<u8>,
    checksum: i64,
}

impl RawCategory {
    pub(super) fn new(id: i64, namespace: i64, record: &CategoryRecord) -> Self {
        Self {
            id,
            namespace,
            key: record.key.to_string(),
            record: encode(record),
            checksum: 0,
        }
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            namespace: row.get(1)?,
            key: row.get(2)?,
            record: row.get(3)?,
            checksum: row.get(4)?,
        })
    }

    pub(super) fn save(&self, connection: &Connection) -> StoreResult<()> {
        connection
            .prepare_cached(
                "INSERT INTO categories VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET record = ?4, checksum = ?5",
            )?
            .execute((
                self.id,
                self.namespace,
                &self.key,
                &self.record,
                self.checksum().finish(),
            ))?;
        Ok(())
    }

    /// Saves the row of a category that has another key now, and so another place in the index.
    pub(super) fn rename(&self, connection: &Connection) -> StoreResult<()> {
        connection
            .prepare_cached(
                "UPDATE categories SET key = ?2, record = ?3, checksum = ?4 WHERE id = ?1",
            )?
            .execute((self.id, &self.key, &self.record, self.checksum().finish()))?;
        Ok(())
    }

    fn checksum(&self) -> Checksum {
        let mut checksum = Checksum::new("categories");
        checksum
            .int(self.id)
            .int(self.namespace)
            .bytes(self.key.as_bytes())
            .bytes(&self.record);
        checksum
    }

    pub(super) fn check(self) -> StoreResult<CategoryRecord> {
        let place = || format!("categories, row {}", self.id);
        self.checksum().check(self.checksum, place)?;
        let record: CategoryRecord = decode(&self.record, &place())?;
        if *record.key != *self.key {
            return Err(StoreError::corrupted(place(), "the record has another key"));
        }
        Ok(record)
    }
}

/// The category records of a namespace, by key, after one.
pub(crate) fn category_records(
    connection: &Connection,
    namespace: i64,
    after: &str,
    limit: usize,
) -> StoreResult<Vec<(i64, CategoryRecord)>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, namespace, key, record, checksum FROM categories
         WHERE namespace = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
    )?;
    let rows = statement.query_map((namespace, after, limit as i64), RawCategory::read)?;
    rows.map(|row| {
        let row = row?;
        Ok((row.id, row.check()?))
    })
    .collect()
}

/// A key that comes before all others, for the first page of a listing: keys are not empty.
pub(crate) const FIRST: &str = "";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::database::open_writer;

    #[test]
    fn rows_with_fields_of_a_newer_version_are_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let connection = open_writer(&directory.path().join("effemb.db")).unwrap();
        let item = Item {
            id: 4,
            key: "key".into(),
            weight: 1.0,
            embedding: vec![0.5],
            metadata: Metadata::new(),
            created_ms: 0,
        };
        RawItem::inserting(&connection).unwrap()(&RawItem::new(1, 4, &item)).unwrap();
        assert_eq!(item_by_id(&connection, 4), Ok(item.clone()));
        let mut newer = RawItem::new(1, 4, &item);
        newer.extensions = Some(vec![1, 1, 0]);
        let (checksum, extensions) = (newer.checksum().finish(), newer.extensions.clone());
        let sql = "UPDATE items SET checksum = ?1, extensions = ?2";
        connection.execute(sql, (checksum, extensions)).unwrap();
        let refused = item_by_id(&connection, 4).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "items, row 4: item: field 1 was written by a newer version of the software; this version \
             knows no fields"
        );
        connection
            .execute("UPDATE items SET extensions = NULL", [])
            .unwrap();
        let damaged = item_by_id(&connection, 4).unwrap_err();
        assert!(matches!(damaged, StoreError::Corrupted { .. }), "{damaged}");
    }
}
