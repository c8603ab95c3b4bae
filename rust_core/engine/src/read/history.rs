//! The history of a namespace: pages of changes, read from its log.
//!
//! A page reads at most [`HISTORY_ENTRIES`] entries, or [`HISTORY_BYTES`] of them, whether they
//! match the filter or not, so that no call reads a long log as a whole; the next page continues
//! where this one ended. Entries are in order of time, so the ends of a period are found by
//! bisection.

use std::ops::ControlFlow;

use ee_core::command::record::{Change, Entry};
use ee_core::namespace::Origin;
use ee_core::settings::Metadata;
use ee_store::{HistoryStart, LogRange, NamespaceRow, Reads};
use rustc_hash::FxHashMap;

use crate::{Error, Result};

/// Entries of the log that one page reads.
pub const HISTORY_ENTRIES: u64 = 20_000;

/// Bytes of entries after which a page ends.
pub const HISTORY_BYTES: usize = 32 << 20;

/// Which changes to read. `None`: any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Changes of the item with this key.
    pub item: Option<String>,
    /// Changes of the category that had this key then, and of its memberships. A rename is of both keys.
    pub category: Option<String>,
    /// Changes by this actor.
    pub actor: Option<String>,
    /// Changes at this time or later, in milliseconds since the Unix epoch.
    pub start_ms: Option<i64>,
    /// Changes before this time.
    pub end_ms: Option<i64>,
    /// Changes of this revision or a later one.
    pub first_revision: Option<u64>,
    /// Changes of this revision or an earlier one.
    pub last_revision: Option<u64>,
}

/// The place of a change: its revision, and its index in the revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeIndex {
    /// The revision.
    pub revision: u64,
    /// The index, from 0.
    pub index: u32,
}

/// Where a listing of changes starts, in which direction it goes, and how long it may get.
#[derive(Clone, Copy, Debug)]
pub struct HistoryOrder {
    /// Whether the newest change comes first.
    pub newest_first: bool,
    /// The place of the last change before the page; `None`: the first page.
    pub after: Option<ChangeIndex>,
    /// The most changes of a page, at least 1.
    pub limit: usize,
    /// Bytes after which a page ends, as [`HistoryChange::bytes`] counts them.
    pub bytes: usize,
}

/// A change of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryChange {
    /// Its place.
    pub at: ChangeIndex,
    /// Its time, actor and reason.
    pub origin: Origin,
    /// Id of the request that made it; empty if it had none.
    pub request_id: String,
    /// The change.
    pub change: Change,
    /// Of an item that joined a category of a SINGLE namespace: the [`Change::Left`] of the category
    /// that it left for it.
    pub left: Option<Change>,
    /// The item's weight before, where its weight or its embedding changed.
    pub weight_before: Option<f32>,
    /// Of an undo: the revision whose change this one has taken back; 0: it is of another write.
    pub undoes: u64,
}

impl HistoryChange {
    /// About the bytes that a message with the change takes.
    pub fn bytes(&self) -> usize {
        const FIXED: usize = 128;
        let map = |map: &Metadata| -> usize {
            map.iter()
                .map(|(key, value)| key.len() + value.len() + 8)
                .sum()
        };
        let texts = |change: &Change| match change {
            Change::NamespaceCreated => 0,
            Change::ProfileUpdated {
                description,
                labels,
                ..
            } => description.len() + map(labels),
            Change::CategoryCreated { key } | Change::Reanchored { key, .. } => key.len(),
            Change::CategoryUpdated { before } | Change::CategoryDeleted { before } => {
                2 * before.key.len() + map(&before.metadata)
            }
            Change::ItemCreated { key } => key.len(),
            Change::ItemUpdated { key, metadata, .. }
            | Change::ItemDeleted { key, metadata, .. } => key.len() + map(metadata),
            Change::Joined { item, category } => item.len() + 2 * category.len(),
            Change::Left {
                item,
                category,
                origin,
                ..
            } => item.len() + 3 * category.len() + origin.actor.len() + origin.reason.len(),
            Change::Dismissed { item, category } => item.len() + category.len(),
            Change::DismissalEnded {
                item,
                category,
                origin,
            } => item.len() + 2 * category.len() + origin.actor.len() + origin.reason.len(),
            Change::CategoryRenamed { from, to } => from.len() + 2 * to.len(),
        };
        let origin = self.origin.actor.len() + self.origin.reason.len() + self.request_id.len();
        FIXED + origin + texts(&self.change) + self.left.as_ref().map_or(0, texts)
    }
}

/// A page of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPage {
    /// The changes.
    pub changes: Vec<HistoryChange>,
    /// Where the next page continues; `None`: this is the last.
    pub next: Option<ChangeIndex>,
    /// The first revision that is kept.
    pub first_revision: u64,
}

impl HistoryFilter {
    /// Texts that every entry with a matching change has.
    fn texts(&self) -> Vec<&str> {
        let texts = [&self.item, &self.category, &self.actor];
        texts.into_iter().flatten().map(String::as_str).collect()
    }

    fn accepts_entry(&self, entry: &Entry) -> bool {
        let actor = &entry.origin.actor;
        let time = entry.origin.time_ms;
        self.actor.as_ref().is_none_or(|own| own == actor)
            && self.start_ms.is_none_or(|start| time >= start)
            && self.end_ms.is_none_or(|end| time < end)
    }

    fn accepts(&self, change: &HistoryChange) -> bool {
        let item = change.change.item();
        let keys = [
            change.change.category(),
            change.change.former_category(),
            change.left.as_ref().and_then(Change::category),
        ];
        self.item.as_deref().is_none_or(|own| item == Some(own))
            && self
                .category
                .as_deref()
                .is_none_or(|own| keys.iter().flatten().any(|key| ***key == *own))
    }

    /// The lowest and the highest revision that can match. A filter that names a trimmed revision is
    /// refused.
    fn revisions(
        &self,
        reads: &dyn Reads,
        row: &NamespaceRow,
        start: HistoryStart,
    ) -> Result<(u64, u64)> {
        for named in [self.first_revision, self.last_revision] {
            is_kept(named.unwrap_or(u64::MAX), start)?;
        }
        let first = self.first_revision.unwrap_or(0);
        let mut first = first.max(start.first_revision);
        let mut last = self
            .last_revision
            .unwrap_or(u64::MAX)
            .min(row.header.revision);
        if let Some(time) = self.start_ms {
            first = first.max(first_at(reads, row, start, time)?);
        }
        if let Some(time) = self.end_ms {
            last = last.min(first_at(reads, row, start, time)? - 1);
        }
        Ok((first, last))
    }
}

/// The changes of an entry, in order. A move is one change.
pub(crate) fn changes(entry: Entry) -> Vec<HistoryChange> {
    let Entry {
        revision,
        origin,
        request_id,
        changes,
        images,
        undone,
        ..
    } = entry;
    let weights: FxHashMap<i64, f32> = images.iter().map(|i| (i.item, i.weight)).collect();
    let weight_of = |change: &Change| match change {
        Change::ItemUpdated { id, .. } | Change::ItemDeleted { id, .. } => weights.get(id).copied(),
        _ => None,
    };
    let mut listed: Vec<HistoryChange> = Vec::with_capacity(changes.len());
    for (place, change) in changes.into_iter().enumerate() {
        let undoes = undone.get(place).copied().unwrap_or(0);
        let left = match (&change, listed.last()) {
            (Change::Joined { item, .. }, Some(before))
                if before.undoes == undoes && moves(&before.change, item) =>
            {
                listed.pop().map(|before| before.change)
            }
            _ => None,
        };
        listed.push(HistoryChange {
            at: ChangeIndex {
                revision,
                index: listed.len() as u32,
            },
            origin: origin.clone(),
            request_id: request_id.clone(),
            weight_before: weight_of(&change),
            left,
            change,
            undoes,
        });
    }
    listed
}

/// Whether a change takes an item out of a category right before it joins another one: no command
/// but an Assign in a SINGLE namespace does that, or an undo of one.
fn moves(before: &Change, joining: &str) -> bool {
    matches!(before, Change::Left { item, .. } if item == joining)
}

/// Refuses a revision that was trimmed.
pub(crate) fn is_kept(revision: u64, start: HistoryStart) -> Result<()> {
    let first_revision = start.first_revision;
    // 0 is before every revision, and names none.
    if revision.max(1) < first_revision {
        return Err(Error::HistoryTrimmed {
            revision,
            first_revision,
        });
    }
    Ok(())
}

/// The bytes of the entries of a history, counted one by one.
pub(crate) fn bytes(reads: &dyn Reads, row: &NamespaceRow, start: HistoryStart) -> Result<u64> {
    let mut sum = 0;
    reads.entry_sizes(
        row.id,
        start.first_revision,
        row.header.revision,
        &mut |bytes| {
            sum += bytes;
            true
        },
    )?;
    Ok(sum)
}

/// The first kept revision at a time or later; one past the newest if there is none.
pub(crate) fn first_at(
    reads: &dyn Reads,
    row: &NamespaceRow,
    start: HistoryStart,
    time_ms: i64,
) -> Result<u64> {
    let (mut low, mut high) = (start.first_revision, row.header.revision + 1);
    while low < high {
        let middle = low.midpoint(high);
        if entry(reads, row, middle)?.origin.time_ms < time_ms {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The entry of a revision.
pub(crate) fn entry(reads: &dyn Reads, row: &NamespaceRow, revision: u64) -> Result<Entry> {
    let range = LogRange {
        first: revision,
        last: revision,
        newest_first: false,
        containing: &[],
    };
    let mut found = None;
    reads.entries_in(row.id, &range, &mut |row| {
        found = row.entry;
        Ok(ControlFlow::Break(()))
    })?;
    found.ok_or_else(|| missing(row.id, revision))
}

/// Revisions have no gaps.
#[cold]
pub(crate) fn missing(namespace: i64, revision: u64) -> Error {
    Error::Corrupted {
        place: format!("log, namespace {namespace}, revision {revision}"),
        what: "the entry is missing".into(),
    }
}

/// What one page may read.
#[derive(Clone, Copy)]
struct Bound {
    entries: u64,
    bytes: usize,
}

/// A page of the history.
pub(crate) fn page(
    reads: &dyn Reads,
    row: &NamespaceRow,
    filter: &HistoryFilter,
    order: HistoryOrder,
) -> Result<HistoryPage> {
    let bound = Bound {
        entries: HISTORY_ENTRIES,
        bytes: HISTORY_BYTES,
    };
    page_within(reads, row, filter, order, bound)
}

fn page_within(
    reads: &dyn Reads,
    row: &NamespaceRow,
    filter: &HistoryFilter,
    order: HistoryOrder,
    bound: Bound,
) -> Result<HistoryPage> {
    let HistoryOrder {
        newest_first,
        after,
        limit,
        bytes: most,
    } = order;
    let start = reads.history_start(row.id)?;
    let (mut first, mut last) = filter.revisions(reads, row, start)?;
    // The rest of a revision, or the next one if it has none: each page gets further.
    match after {
        Some(after) if newest_first => {
            let is_over = after.index == 0;
            last = last.min(after.revision.saturating_sub(u64::from(is_over)));
        }
        Some(after) => {
            let is_over = after.index == u32::MAX;
            let next = after.revision.saturating_add(u64::from(is_over));
            // What would follow may have been trimmed since the page before.
            is_kept(next, start)?;
            first = first.max(next);
        }
        None => {}
    }
    let mut page = HistoryPage {
        changes: Vec::new(),
        next: None,
        first_revision: start.first_revision,
    };
    if first > last {
        return Ok(page);
    }
    let texts = filter.texts();
    let range = LogRange {
        first,
        last,
        newest_first,
        containing: &texts,
    };
    let (start, end) = if newest_first {
        (last, first)
    } else {
        (first, last)
    };
    let (mut entries, mut bytes, mut size) = (0, 0, 0);
    let mut is_complete = false;
    reads.entries_in(row.id, &range, &mut |found| {
        // A gap ends the page: `is_complete` stays false.
        if found.revision.abs_diff(start) != entries {
            return Ok(ControlFlow::Break(()));
        }
        let at_end = found.revision == end;
        let matching = found.entry.filter(|entry| filter.accepts_entry(entry));
        let mut listed = matching.map(changes).unwrap_or_default();
        if newest_first {
            listed.reverse();
        }
        let is_new = |change: &HistoryChange| match after {
            None => true,
            Some(after) if newest_first => change.at < after,
            Some(after) => change.at > after,
        };
        let mut wanted = listed
            .into_iter()
            .filter(|change| is_new(change) && filter.accepts(change));
        for change in wanted.by_ref() {
            let at = change.at;
            size += change.bytes();
            page.changes.push(change);
            if page.changes.len() == limit || size >= most {
                let more = !at_end || wanted.next().is_some();
                page.next = more.then_some(at);
                is_complete = true;
                return Ok(ControlFlow::Break(()));
            }
        }
        entries += 1;
        bytes += found.bytes;
        is_complete = at_end;
        if !at_end && (entries >= bound.entries || bytes >= bound.bytes) {
            // Behind the last change of this revision.
            let index = if newest_first { 0 } else { u32::MAX };
            let revision = found.revision;
            page.next = Some(ChangeIndex { revision, index });
            is_complete = true;
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if is_complete {
        return Ok(page);
    }
    Err(missing(
        row.id,
        if newest_first {
            start - entries
        } else {
            start + entries
        },
    ))
}

#[cfg(test)]
mod tests;
