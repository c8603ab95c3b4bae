//! Reviews of what was taught: passes over the members of a namespace at one revision.
//!
//! A pass takes seconds where there are many members, so it works on a copy of the categories, read
//! from a view of the store: no other call waits for it, and the view has the members of the same
//! revision. Members are read some at a time; memory grows with the categories alone.

pub(crate) mod actors;
pub(crate) mod categories;
pub(crate) mod duplicates;
mod filter;
mod first;
pub(crate) mod impact;
mod leave;
mod member;
pub(crate) mod members;
pub(crate) mod rate;

pub use self::filter::MemberFilter;
pub use self::first::ReviewPlace;

use std::sync::Arc;
use std::time::Instant;

use ee_core::arithmetic::limits::MAX_DIMENSION;
use ee_core::namespace::{Category, Item, MemberSum, Membership, Namespace};
use ee_core::settings::MembershipMode;
use ee_store::{NamespaceRow, Reads, View};

pub(crate) use self::member::Member;
use self::member::part;
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::clock::check_deadline;
use crate::copy_budget::CopiedBytes;
use crate::read::consistent::pinned;
use crate::read::copy::copy;
use crate::shared::Shared;
use crate::{Error, Result};

/// Memberships read at a time.
const SCAN: usize = 1024;

/// Bytes of vectors that are reviewed at a time.
const CHUNK_BYTES: usize = 4 << 20;

/// Members that are reviewed at a time.
const CHUNK_MEMBERS: usize = 4096;

/// A namespace at one revision, apart from the one that other calls read and write.
pub(crate) struct Reviewed {
    pub(crate) namespace: Namespace,
    pub(crate) revision: u64,
    id: i64,
    name: String,
    view: Box<dyn View>,
    _copied: CopiedBytes,
    deadline: Option<Instant>,
}

impl Shared {
    /// A copy of a namespace to review.
    pub(crate) fn to_review(
        &self,
        handle: &NamespaceHandle,
        context: ReadContext,
    ) -> Result<Reviewed> {
        let loaded = self.at(&handle.0, context)?;
        let view = self.backend.view()?;
        let row = pinned(view.reads(), &loaded)?;
        let (namespace, copied) = copy(view.reads(), &row, &self.copies)?;
        let revision = row.header.revision;
        self.published(&loaded, revision)?;
        Ok(Reviewed {
            namespace,
            revision,
            id: row.id,
            name: row.name,
            view,
            _copied: copied,
            deadline: context.deadline,
        })
    }
}

impl Reviewed {
    pub(crate) fn reads(&self) -> &dyn Reads {
        self.view.reads()
    }

    pub(crate) fn check_deadline(&self) -> Result<()> {
        check_deadline(self.deadline)
    }

    /// An answer at the revision of the copy.
    pub(crate) fn at<T>(&self, value: T) -> At<T> {
        At {
            value,
            revision: self.revision,
        }
    }

    /// The categories that a filter asks for, by key.
    pub(crate) fn categories(&self, filter: &MemberFilter) -> Result<Vec<&Category>> {
        if let Some(key) = &filter.category {
            let found = self.namespace.find(key);
            let found = found.ok_or_else(|| Error::CategoryNotFound { key: key.clone() })?;
            return Ok(vec![found]);
        }
        let mut all: Vec<&Category> = self.namespace.categories().iter().collect();
        all.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    /// Hands over the members that a filter accepts, category by category, some at a time.
    pub(crate) fn each_chunk(
        &self,
        filter: &MemberFilter,
        mut take: impl FnMut(&[Member]) -> Result<()>,
    ) -> Result<()> {
        let size = self.chunk_members();
        let mut chunk = Vec::new();
        for category in self.categories(filter)? {
            let refill = self.refill(category)?;
            self.each_member(category, filter, |membership, item| {
                chunk.push(self.member(category, membership, item, refill.as_ref())?);
                if chunk.len() == size {
                    self.check_deadline()?;
                    take(&chunk)?;
                    chunk.clear();
                }
                Ok(())
            })?;
        }
        if chunk.is_empty() {
            return Ok(());
        }
        take(&chunk)
    }

    /// Hands over the members of a category that a filter accepts, the oldest first.
    pub(crate) fn each_member(
        &self,
        category: &Category,
        filter: &MemberFilter,
        mut take: impl FnMut(Membership, Item) -> Result<()>,
    ) -> Result<()> {
        self.each_membership(category, 0, |membership| {
            if !filter.accepts(&membership) {
                return Ok(());
            }
            let item = self.item(membership.item)?;
            if item.key.starts_with(&filter.key_prefix) {
                take(membership, item)?;
            }
            Ok(())
        })
    }

    /// Hands over the memberships of a category from a sequence on, the oldest first.
    pub(crate) fn each_membership(
        &self,
        category: &Category,
        mut from: u64,
        mut take: impl FnMut(Membership) -> Result<()>,
    ) -> Result<()> {
        loop {
            self.check_deadline()?;
            let page = self.members_from(category, from, SCAN)?;
            let is_last = page.len() < SCAN;
            for membership in page {
                from = membership.sequence + 1;
                take(membership)?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Up to `limit` memberships of a category from a sequence on, the oldest first.
    pub(crate) fn members_from(
        &self,
        category: &Category,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Membership>> {
        Ok(self.reads().members(self.id, category.id, from, limit)?)
    }

    /// The row of the namespace.
    pub(crate) fn row(&self) -> Result<NamespaceRow> {
        let found = self.reads().namespace_by_name(&self.name)?;
        found.ok_or_else(|| Error::NamespaceNotFound {
            name: self.name.clone(),
        })
    }

    /// Up to `limit` items by key, after a key.
    pub(crate) fn items_page(&self, after: &str, limit: usize) -> Result<Vec<Item>> {
        Ok(self.reads().items_page(self.id, after, limit)?)
    }

    /// The item with an identifier.
    pub(crate) fn item(&self, item: i64) -> Result<Item> {
        Ok(self.reads().item_by_id(self.id, item)?)
    }

    /// The newest members of a category that count, the oldest first; of a frozen one its newest
    /// members.
    pub(crate) fn newest_counting(&self, category: &Category, limit: u32) -> Result<Vec<Member>> {
        let first = match category.settings.frozen {
            true => 1,
            false => category.counting_from,
        };
        let nth = u64::from(limit.saturating_sub(1));
        let oldest =
            self.reads()
                .nth_newest_member(self.id, category.id, first - 1, u64::MAX, nth)?;
        let from = oldest.map_or(first, |(sequence, _)| sequence);
        let refill = self.refill(category)?;
        let page = self.members_from(category, from, limit as usize)?;
        let member = |membership: Membership| {
            let item = self.item(membership.item)?;
            self.member(category, membership, item, refill.as_ref())
        };
        page.into_iter().map(member).collect()
    }

    /// The members outside a category's window that would count again in so many places of those that a
    /// filter accepts: the newest of the others.
    pub(crate) fn refills(
        &self,
        category: &Category,
        leaving: &MemberFilter,
        places: u64,
    ) -> Result<MemberSum> {
        let mut sum = self.member_sum(category);
        let mut before = category.counting_from;
        while category.settings.window > 0 && sum.count() < places {
            self.check_deadline()?;
            let (id, anchor) = (category.id, category.anchor);
            let newest = self
                .reads()
                .nth_newest_member(self.id, id, anchor, before, 0)?;
            let Some((sequence, item)) = newest else {
                break;
            };
            before = sequence;
            let membership = self.membership(item, sequence)?;
            let item = self.item(item)?;
            if !leaving.accepts_member(&membership, &item) {
                sum.add(part(&item, &membership.origin.actor));
            }
        }
        Ok(sum)
    }

    /// A sum of no members of a category.
    pub(crate) fn member_sum(&self, category: &Category) -> MemberSum {
        let dimension = self.namespace.settings().dimension as usize;
        MemberSum::new(dimension, category.actors.is_some())
    }

    /// The membership of an item with a place in the order of assignment.
    fn membership(&self, item: i64, sequence: u64) -> Result<Membership> {
        let found = self.reads().memberships_of(self.id, item)?;
        let found = found.into_iter().find(|own| own.sequence == sequence);
        found.ok_or_else(|| Error::Corrupted {
            place: format!("memberships, item {item}, sequence {sequence}"),
            what: "the row is missing".into(),
        })
    }

    /// The member of a category with a place in the order of assignment.
    pub(crate) fn member_at(&self, category: &str, sequence: u64, item: i64) -> Result<Member> {
        let found = self.namespace.find(category);
        let category = found.ok_or_else(|| Error::CategoryNotFound {
            key: category.to_owned(),
        })?;
        let membership = self.membership(item, sequence)?;
        let item = self.item(item)?;
        let refill = self.refill(category)?;
        self.member(category, membership, item, refill.as_ref())
    }

    /// A member of a category.
    fn member(
        &self,
        category: &Category,
        membership: Membership,
        item: Item,
        refill: Option<&Arc<(Item, String)>>,
    ) -> Result<Member> {
        let counts = category.counts(membership.sequence);
        let memberships = match self.namespace.settings().membership {
            MembershipMode::Single => vec![category.id],
            MembershipMode::Multiple => {
                let all = self.reads().memberships_of(self.id, item.id)?;
                all.into_iter().map(|own| own.category).collect()
            }
        };
        Ok(Member {
            category: Arc::clone(&category.key),
            category_id: category.id,
            refill: refill.filter(|_| counts).cloned(),
            item,
            membership,
            counts,
            memberships,
        })
    }

    /// The member outside a category's window that counts again once one of the window leaves, and its
    /// actor.
    pub(crate) fn refill(&self, category: &Category) -> Result<Option<Arc<(Item, String)>>> {
        if category.settings.window == 0 || category.settings.frozen {
            return Ok(None);
        }
        let (anchor, from) = (category.anchor, category.counting_from);
        let newest = self
            .reads()
            .nth_newest_member(self.id, category.id, anchor, from, 0)?;
        let Some((sequence, item)) = newest else {
            return Ok(None);
        };
        let actor = match &category.actors {
            None => String::new(),
            Some(_) => self.membership(item, sequence)?.origin.actor,
        };
        Ok(Some(Arc::new((self.item(item)?, actor))))
    }

    /// Members that are reviewed at a time.
    pub(crate) fn chunk_members(&self) -> usize {
        let dimension = (self.namespace.settings().dimension as usize).min(MAX_DIMENSION);
        (CHUNK_BYTES / size_of::<f32>() / dimension).clamp(64, CHUNK_MEMBERS)
    }
}
