//! The members of each category in order of assignment.
//!
//! The table `members` is ordered by category, so assignments to a hundred categories would change a
//! hundred of its pages. New members therefore go to a small table, `new_members`, first, at whatever
//! place of the order: most are the newest, those that an undo brings back are not. From there
//! they move on a category at a time, all members of the category together: a page of the large table
//! is then written once for many members.

use std::fmt::Display;

use ee_core::namespace::Membership;
use rusqlite::{Connection, OptionalExtension, Params};

use super::lookup::{MEMBERSHIP, RawMembership};
use crate::{StoreError, StoreResult};

/// Largest number of members in the small table.
const NEW_MEMBERS: i64 = 2048;

fn most_new_members() -> i64 {
    #[cfg(feature = "failpoints")]
    if let Some(members) = crate::failpoints::new_members() {
        return members;
    }
    NEW_MEMBERS
}

/// A select from both tables in order of `sequence`; SQLite merges the two without sorting.
pub(super) fn in_both_parts(select: &str, condition: &str, end: impl Display) -> String {
    let part = |table| format!("{select} FROM {table} WHERE {condition}");
    format!(
        "{} UNION ALL {} {end}",
        part("members"),
        part("new_members")
    )
}

/// Adds members to the small table.
pub(super) fn adding_new(
    connection: &Connection,
) -> StoreResult<impl FnMut(&Membership) -> StoreResult<()>> {
    adding(connection, "new_members")
}

/// Adds a member to a category that has no member in the small table.
pub(super) fn add_anywhere(connection: &Connection, membership: &Membership) -> StoreResult<()> {
    adding(connection, "members")?(membership)
}

fn adding(
    connection: &Connection,
    table: &str,
) -> StoreResult<impl FnMut(&Membership) -> StoreResult<()>> {
    let mut statement =
        connection.prepare_cached(&format!("INSERT INTO {table} VALUES (?1, ?2, ?3)"))?;
    Ok(move |membership: &Membership| {
        statement.execute((
            membership.category,
            membership.sequence.cast_signed(),
            membership.item,
        ))?;
        Ok(())
    })
}

/// Removes a member.
pub(super) fn remove(connection: &Connection, membership: &Membership) -> StoreResult<()> {
    for table in ["new_members", "members"] {
        let removed = connection
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE category = ?1 AND sequence = ?2"
            ))?
            .execute((membership.category, membership.sequence.cast_signed()))?;
        if removed > 0 {
            return Ok(());
        }
    }
    Err(missing(membership.category, membership.sequence))
}

/// The writer's knowledge of the small table.
#[derive(Clone, Copy, Default)]
pub(crate) struct NewMembers {
    /// Upper bound of its members; `None`: not known.
    at_most: Option<i64>,
    /// The last category whose members moved on.
    turn: i64,
}

/// Moves members to the large table, category by category, once the small one has too many, until it
/// has room for a while. `added`: members added since the last call.
pub(crate) fn move_new_members(
    connection: &Connection,
    state: &mut NewMembers,
    added: i64,
) -> StoreResult<()> {
    let most = most_new_members();
    state.at_most = state.at_most.map(|at_most| at_most + added);
    if state.at_most.is_some_and(|at_most| at_most <= most) {
        return Ok(());
    }
    let mut new: i64 = connection
        .prepare_cached("SELECT count(*) FROM new_members")?
        .query_row([], |row| row.get(0))?;
    let few = if new > most { most - most / 16 } else { most };
    let turn = &mut state.turn;
    while new > few {
        let next: Option<i64> = connection
            .prepare_cached(
                "SELECT category FROM new_members WHERE category > ?1 ORDER BY category LIMIT 1",
            )?
            .query_row([*turn], |row| row.get(0))
            .optional()?;
        let Some(category) = next else {
            *turn = 0;
            continue;
        };
        // A failed row fails the whole transaction, so SQLite need not keep the old pages.
        connection
            .prepare_cached(
                "INSERT OR FAIL INTO members SELECT * FROM new_members WHERE category = ?1",
            )?
            .execute([category])?;
        let moved = connection
            .prepare_cached("DELETE FROM new_members WHERE category = ?1")?
            .execute([category])?;
        new -= moved as i64;
        *turn = category;
    }
    state.at_most = Some(new);
    Ok(())
}

/// The member of a category with the smallest sequence not below `from`: (sequence, item).
pub(super) fn oldest_member(
    connection: &Connection,
    category: i64,
    from: u64,
) -> StoreResult<Option<(u64, i64)>> {
    one_member(
        connection,
        "category = ?1 AND sequence >= ?2",
        "ORDER BY sequence LIMIT 1",
        (category, from.cast_signed()),
    )
}

/// The `nth` newest member of a category between two sequences.
pub(crate) fn nth_newest_member(
    connection: &Connection,
    category: i64,
    after: u64,
    before: u64,
    nth: u64,
) -> StoreResult<Option<(u64, i64)>> {
    // The largest u64 means "no bound"; the column holds i64.
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    one_member(
        connection,
        "category = ?1 AND sequence > ?2 AND sequence < ?3",
        "ORDER BY sequence DESC LIMIT 1 OFFSET ?4",
        (category, after.cast_signed(), before, nth.cast_signed()),
    )
}

fn one_member(
    connection: &Connection,
    condition: &str,
    end: &str,
    parameters: impl Params,
) -> StoreResult<Option<(u64, i64)>> {
    let sql = in_both_parts("SELECT sequence, item", condition, end);
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement
        .query_row(parameters, |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
        })
        .optional()?)
}

/// Up to `limit` members from a sequence on, oldest first.
pub(crate) fn members(
    connection: &Connection,
    category: i64,
    from: u64,
    limit: usize,
) -> StoreResult<Vec<Membership>> {
    let places = in_both_parts(
        "SELECT sequence AS place, item AS member",
        "category = ?1 AND sequence >= ?2",
        "ORDER BY place LIMIT ?3",
    );
    let mut statement = connection.prepare_cached(&format!(
        "SELECT place, {MEMBERSHIP} FROM ({places})
         LEFT JOIN memberships ON item = member AND category = ?1 ORDER BY place"
    ))?;
    let mut rows = statement.query((category, from.cast_signed(), limit as i64))?;
    let mut members = Vec::new();
    while let Some(row) = rows.next()? {
        let place = row.get::<_, i64>(0)?.cast_unsigned();
        if row.get::<_, Option<i64>>(1)?.is_none() {
            return Err(missing(category, place));
        }
        let membership = RawMembership::read(row, 1)?.check()?;
        if membership.sequence != place {
            return Err(missing(category, place));
        }
        members.push(membership);
    }
    Ok(members)
}

/// Whether a membership is listed among the members of its category.
pub(crate) fn is_member(connection: &Connection, membership: &Membership) -> StoreResult<bool> {
    let condition = "category = ?1 AND sequence = ?2 AND item = ?3";
    let sql = in_both_parts("SELECT 1", condition, "");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.exists((
        membership.category,
        membership.sequence.cast_signed(),
        membership.item,
    ))?)
}

fn missing(category: i64, sequence: u64) -> StoreError {
    StoreError::corrupted(
        format!("members, category {category}, sequence {sequence}"),
        "the order of assignment and the memberships do not agree",
    )
}
