//! The table of namespaces.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::checksum::Checksum;
use crate::codec::{decode, encode};
use crate::{DamagedNamespace, NamespaceRow, NamespaceState as State, StoreError, StoreResult};

const COLUMNS: &str = "id, name, state, settings, profile, header, sums_revision, checksum";

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

/// The namespace with an identifier, in any state.
pub(crate) fn namespace_by_id(
    connection: &Connection,
    id: i64,
) -> StoreResult<Option<NamespaceRow>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM namespaces WHERE id = ?1"))?;
    let raw = statement.query_row([id], RawRow::read).optional()?;
    raw.map(RawRow::check).transpose()
}

/// Active namespaces by name, after one, as long as they begin with a prefix. The index gives the name
/// of a damaged row.
pub(crate) fn namespaces_page(
    connection: &Connection,
    prefix: &str,
    after: &str,
    limit: usize,
) -> StoreResult<Vec<Result<NamespaceRow, DamagedNamespace>>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM namespaces
         WHERE state = 0 AND name > ?1 AND name >= ?2 ORDER BY name LIMIT ?3"
    ))?;
    let rows = statement.query_map((after, prefix, limit as i64), RawRow::read)?;
    let mut page = Vec::new();
    for row in rows {
        let row = row?;
        if !row.name.starts_with(prefix) {
            break;
        }
        let name = row.name.clone();
        page.push(
            row.check()
                .map_err(|error| DamagedNamespace { name, error }),
        );
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
        profile: encode(&row.profile),
        header: encode(&row.header),
        sums_revision: row.sums_revision.cast_signed(),
        checksum: 0,
    };
    let values = (
        raw.id,
        &raw.name,
        raw.state,
        &raw.settings,
        &raw.profile,
        &raw.header,
        raw.sums_revision,
        raw.checksum().finish(),
    );
    // Nearly every write changes the row, and leaves the columns of the index as they are: an update that
    // sets neither of them writes no page of the index.
    let updated = connection
        .prepare_cached(
            "UPDATE namespaces SET settings = ?4, profile = ?5, header = ?6, sums_revision = ?7,
               checksum = ?8
             WHERE id = ?1 AND name = ?2 AND state = ?3",
        )?
        .execute(values)?;
    if updated == 0 {
        connection
            .prepare_cached(
                // Not OR REPLACE: that would delete another one which has the name.
                "INSERT INTO namespaces VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET name = ?2, state = ?3, settings = ?4, profile = ?5,
                   header = ?6, sums_revision = ?7, checksum = ?8",
            )?
            .execute(values)?;
    }
    Ok(())
}

struct RawRow {
    id: i64,
    name: String,
    state: i64,
    settings: Vec<u8>,
    profile: Vec<u8>,
    header: Vec<u8>,
    sums_revision: i64,
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
            sums_revision: row.get(6)?,
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
            .int(self.sums_revision);
        checksum
    }

    fn check(self) -> StoreResult<NamespaceRow> {
        let place = format!("namespaces, row {}", self.id);
        self.checksum().check(self.checksum, || place.clone())?;
        Ok(NamespaceRow {
            id: self.id,
            state: match self.state {
                0 => State::Active,
                1 => State::Restoring,
                2 => State::Deleted,
                other => return Err(StoreError::corrupted(place, format!("state {other}"))),
            },
            settings: decode(&self.settings, &place)?,
            profile: decode(&self.profile, &place)?,
            header: decode(&self.header, &place)?,
            sums_revision: self.sums_revision.cast_unsigned(),
            name: self.name,
        })
    }
}

#[cfg(test)]
mod tests {
    use ee_core::namespace::{Header, Profile};
    use ee_core::settings::{MembershipMode, NamespaceSettings, Normalization};

    use super::*;
    use crate::sqlite::database::open_writer;

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
            sums_revision: 0,
        };
        save_namespace(&connection, &row).unwrap();
        save_namespace(&connection, &row).unwrap();
        row.id = 2;
        assert!(save_namespace(&connection, &row).is_err());
        let kept = namespace_by_name(&connection, "n").unwrap().unwrap();
        assert_eq!(kept.id, 1);
    }
}
