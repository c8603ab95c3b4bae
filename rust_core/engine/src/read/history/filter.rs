//! Which changes a page lists.

use ee_core::command::record::{Change, Entry};
use ee_store::{HistoryStart, NamespaceRow, Reads};

use super::change::HistoryChange;
use super::log::{first_at, is_kept};
use crate::Result;

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

impl HistoryFilter {
    /// Texts that every entry with a matching change has.
    pub(super) fn texts(&self) -> Vec<&str> {
        let texts = [&self.item, &self.category, &self.actor];
        texts.into_iter().flatten().map(String::as_str).collect()
    }

    pub(super) fn accepts_entry(&self, entry: &Entry) -> bool {
        let actor = &entry.origin.actor;
        let time = entry.origin.time_ms;
        self.actor.as_ref().is_none_or(|own| own == actor)
            && self.start_ms.is_none_or(|start| time >= start)
            && self.end_ms.is_none_or(|end| time < end)
    }

    pub(super) fn accepts(&self, change: &HistoryChange) -> bool {
        let items = [change.change.item(), change.change.part()];
        let keys = [
            change.change.category(),
            change.change.former_category(),
            change.left.as_ref().and_then(Change::category),
        ];
        self.item
            .as_deref()
            .is_none_or(|own| items.contains(&Some(own)))
            && self
                .category
                .as_deref()
                .is_none_or(|own| keys.iter().flatten().any(|key| ***key == *own))
    }

    /// The lowest and the highest revision that can match. A filter that names a trimmed revision is
    /// refused.
    pub(super) fn revisions(
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
