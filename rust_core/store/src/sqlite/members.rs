//! The members of each category in order of assignment.
//!
//! An assignment goes somewhere into the midst of this order, and assignments to a hundred
//! categories into a hundred pages. So the newest members come to a small table first, and a few
//! categories at a time, all that each of them has there, go to the large one: a page is then
//! written once for many members.

use std::fmt::Display;

use ee_core::namespace::Membership;
use rusqlite::{Connection, OptionalExtension, Params};

use super::lookup::{MEMBERSHIP, RawMembership};
use crate::{StoreError, StoreResult};

/// Members that the small table holds: as many categories as half of this share their writes.
const NEW_MEMBERS: i64 = 2048;

fn most_new_members() -> i64 {
    #[cfg(feature = "failpoints")]
    if let Some(members) = crate::failpoints::new_members() {
        return members;
    }
    NEW_MEMBERS
}

/// A select from both parts, in order of `sequence`. SQLite merges the two as it goes.
pub(super) fn in_both_parts(select: &str, condition: &str, end: impl Display) -> String {
    let part = |table| format!("{select} FROM {table} WHERE {condition}");
    format!(
        "{} UNION ALL {} {end}",
        part("members"),
        part("new_members")
    )
}

/// Takes in members that are newer than all others of their categories.
pub(super) fn adding_newest(
    connection: &Connection,
) -> StoreResult<impl FnMut(&Membership) -> StoreResult<()>> {
    adding(connection, "new_members")
}

/// Takes in a member of a category of which no member is new.
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

/// Takes a member out.
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

/// What the writer knows of the small table.
#[derive(Clone, Copy, Default)]
pub(crate) struct NewMembers {
    /// Members in it at the most. None: not known.
    at_most: Option<i64>,
    /// The category whose members were last moved on.
    turn: i64,
}

/// Moves members on once there are too many new ones, category after category, so that it is a
/// while until there are again. `added`: so many have come since the last time.
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
        // If a row fails all of the transaction does, so SQLite need not keep pages as they were.
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

/// The member of a category with the smallest sequence from one on: (sequence, item).
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

/// The `nth` newest member of a category between two places in the order of assignment.
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

/// Up to `limit` members from a place in the order of assignment on, oldest first.
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

/// Whether a membership has its place among the members of its category.
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
