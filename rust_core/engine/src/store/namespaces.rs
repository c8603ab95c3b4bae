//! The table of namespaces.

use ee_core::namespace::{Header, Profile};
use ee_core::settings::NamespaceSettings;
use rusqlite::{Connection, OptionalExtension, Row};

use super::checksum::Checksum;
use super::{StoreError, StoreResult, decode, encode};
use crate::api::NamespaceView;

/// Where a namespace is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is there.
    Active = 0,
    /// A restore is filling it; nobody sees it.
    Restoring = 1,
    /// It is gone; its rows are purged bit by bit.
    Deleted = 2,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct NamespaceRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) settings: NamespaceSettings,
    pub(crate) profile: Profile,
    pub(crate) header: Header,
    /// Revision up to which the table of sums has everything.
    pub(crate) checkpoint: u64,
}

impl NamespaceRow {
    pub(crate) fn view(&self) -> NamespaceView {
        NamespaceView::new(&self.name, &self.settings, &self.profile, &self.header)
    }
}

const COLUMNS: &str = "id, name, state, settings, profile, header, checkpoint, checksum";

/// The active namespace with a name.
pub(crate) fn namespace_by_name(
    connection: &Connection,
    name: &str,
) -> StoreResult<Option<NamespaceRow>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM namespaces WHERE name = ?1 AND state = 0"
    ))?;
    let raw = statement.query_row([name], RawRow::read).optional()?;
    raw.map(RawRow::check).transpose()
}

/// The namespace with an identifier, whatever its state.
pub(crate) fn namespace_by_id(
    connection: &Connection,
    id: i64,
) -> StoreResult<Option<NamespaceRow>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM namespaces WHERE id = ?1"))?;
    let raw = statement.query_row([id], RawRow::read).optional()?;
    raw.map(RawRow::check).transpose()
}

/// Active namespaces by name, after one, as long as they begin with a prefix.
pub(crate) fn namespaces_page(
    connection: &Connection,
    prefix: &str,
    after: &str,
    limit: usize,
) -> StoreResult<Vec<NamespaceRow>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM namespaces
         WHERE state = 0 AND name > ?1 AND name >= ?2 ORDER BY name LIMIT ?3"
    ))?;
    let rows = statement.query_map((after, prefix, limit as i64), RawRow::read)?;
    let mut page = Vec::new();
    for row in rows {
        let row = row?.check()?;
        if !row.name.starts_with(prefix) {
            break;
        }
        page.push(row);
    }
    Ok(page)
}

/// Number of active namespaces.
pub(crate) fn namespace_count(connection: &Connection) -> StoreResult<u64> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM namespaces WHERE state = 0")?;
    let count: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// Writes a namespace's row, new or changed.
pub(crate) fn save_namespace(connection: &Connection, row: &NamespaceRow) -> StoreResult<()> {
    let raw = RawRow {
        id: row.id,
        name: row.name.clone(),
        state: row.state as i64,
        settings: encode(&row.settings),
        profile: encode(&(
            &row.profile.description,
            &row.profile.labels,
            row.profile.created_ms,
        )),
        header: encode(&row.header),
        checkpoint: row.checkpoint.cast_signed(),
        checksum: 0,
    };
    connection
        .prepare_cached(
            // Not OR REPLACE: that would delete another one which has the name.
            "INSERT INTO namespaces VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET name = ?2, state = ?3, settings = ?4, profile = ?5,
               header = ?6, checkpoint = ?7, checksum = ?8",
        )?
        .execute((
            raw.id,
            &raw.name,
            raw.state,
            &raw.settings,
            &raw.profile,
            &raw.header,
            raw.checkpoint,
            raw.checksum().finish(),
        ))?;
    Ok(())
}

struct RawRow {
    id: i64,
    name: String,
    state: i64,
    settings: Vec<u8>,
    profile: Vec<u8>,
    header: Vec<u8>,
    checkpoint: i64,
    checksum: i64,
}

impl RawRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            state: row.get(2)?,
            settings: row.get(3)?,
            profile: row.get(4)?,
            header: row.get(5)?,
            checkpoint: row.get(6)?,
            checksum: row.get(7)?,
        })
    }

    fn checksum(&self) -> Checksum {
        let mut checksum = Checksum::new("namespaces");
        checksum
            .int(self.id)
            .bytes(self.name.as_bytes())
            .int(self.state)
            .bytes(&self.settings)
            .bytes(&self.profile)
            .bytes(&self.header)
            .int(self.checkpoint);
        checksum
    }

    fn check(self) -> StoreResult<NamespaceRow> {
        let place = format!("namespaces, row {}", self.id);
        self.checksum().check(self.checksum, || place.clone())?;
        let (description, labels, created_ms) = decode(&self.profile, &place)?;
        Ok(NamespaceRow {
            id: self.id,
            state: match self.state {
                0 => State::Active,
                1 => State::Restoring,
                2 => State::Deleted,
                other => return Err(StoreError::corrupted(place, format!("state {other}"))),
            },
            settings: decode(&self.settings, &place)?,
            profile: Profile {
                description,
                labels,
                created_ms,
            },
            header: decode(&self.header, &place)?,
            checkpoint: self.checkpoint.cast_unsigned(),
            name: self.name,
        })
    }
}

#[cfg(test)]
mod tests {
    use ee_core::settings::{MembershipMode, Normalization};

    use super::*;
    use crate::store::open_writer;

    #[test]
    fn a_namespace_never_replaces_another_one_of_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let connection = open_writer(&directory.path().join("effemb.db")).unwrap();
        let mut row = NamespaceRow {
            id: 1,
            name: "n".into(),
            state: State::Active,
            settings: NamespaceSettings {
                dimension: 1,
                embedding_model: String::new(),
                normalization: Normalization::Raw,
                membership: MembershipMode::Single,
            },
            profile: Profile::default(),
            header: Header::default(),
            checkpoint: 0,
        };
        save_namespace(&connection, &row).unwrap();
        save_namespace(&connection, &row).unwrap();
        row.id = 2;
        assert!(save_namespace(&connection, &row).is_err());
        let kept = namespace_by_name(&connection, "n").unwrap().unwrap();
        assert_eq!(kept.id, 1);
    }
}
