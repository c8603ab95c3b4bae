//! Members with nearly the same embedding as an earlier one.
//!
//! A block of members is compared with all that were assigned before, read some at a time. A page ends
//! once so many members were read, whether it lists any or not; the next one continues there.

use std::sync::Arc;

use ee_core::namespace::{Category, Item, Membership, Origin};
use ee_core::scoring::{Query, Scorer, VectorBlock};

use super::{MemberFilter, Reviewed};
use crate::Result;
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::read::ranking::Ranker;

/// Members that one page reads, about.
pub const DUPLICATES_READ: usize = 100_000;

/// Members of a block.
const BLOCK: usize = 1024;

/// Where the earlier member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateScope {
    /// In the same category.
    Same,
    /// In another category.
    Other,
    /// In any category.
    Any,
}

/// Which duplicates to list.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewDuplicatesSpec {
    /// The members that are listed.
    pub filter: MemberFilter,
    /// Where the earlier member is.
    pub scope: DuplicateScope,
    /// The least cosine.
    pub min_similarity: f64,
    /// The category's key, and the place in the order of assignment, of the last member that the page
    /// before has compared.
    pub after: Option<(String, u64)>,
    /// The most duplicates that are listed, at least 1.
    pub limit: usize,
}

/// A member with nearly the same embedding as an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicate {
    /// The item's key.
    pub item: String,
    /// Its category.
    pub category: Arc<str>,
    /// The actor, time and reason of its assignment.
    pub origin: Origin,
    /// Key of the nearest item that was assigned before; of equally near ones the earliest.
    pub original: String,
    /// The category of that one.
    pub original_category: Arc<str>,
    /// The cosine of the two.
    pub similarity: f64,
    /// Earlier members that are as near as was asked for.
    pub count: u64,
}

/// A page of duplicates.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicatesReview {
    /// The duplicates, by category and by their place in the order of assignment.
    pub duplicates: Vec<Duplicate>,
    /// The last member that was compared; `None`: this is the last page.
    pub next: Option<(String, u64)>,
}

/// A member of a block, and the nearest of the earlier ones so far.
struct Later {
    category: Arc<str>,
    membership: Membership,
    item: Item,
    nearest: Option<Nearest>,
    count: u64,
}

struct Nearest {
    item: String,
    category: Arc<str>,
    sequence: u64,
    similarity: f64,
}

impl Later {
    fn meet(&mut self, earlier: &Earlier, similarity: f64) {
        self.count += 1;
        let is_nearer = self.nearest.as_ref().is_none_or(|own| {
            similarity > own.similarity
                || similarity == own.similarity && earlier.sequence < own.sequence
        });
        if is_nearer {
            self.nearest = Some(Nearest {
                item: earlier.key.clone(),
                category: Arc::clone(&earlier.category),
                sequence: earlier.sequence,
                similarity,
            });
        }
    }
}

/// A member that a block is compared with.
struct Earlier {
    key: String,
    item: i64,
    category: Arc<str>,
    sequence: u64,
}

impl Ranker<'_> {
    /// Lists members with nearly the same embedding as an earlier one.
    pub(crate) fn review_duplicates(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewDuplicatesSpec,
        context: ReadContext,
    ) -> Result<At<DuplicatesReview>> {
        self.shared.reading(|| {
            let reviewed = self.shared.to_review(namespace, context)?;
            let mut page = Page {
                ranker: self,
                reviewed: &reviewed,
                spec,
                duplicates: Vec::new(),
                read: 0,
            };
            let next = page.fill()?;
            Ok(reviewed.at(DuplicatesReview {
                duplicates: page.duplicates,
                next,
            }))
        })
    }
}

struct Page<'a> {
    ranker: &'a Ranker<'a>,
    reviewed: &'a Reviewed,
    spec: &'a ReviewDuplicatesSpec,
    duplicates: Vec<Duplicate>,
    /// Members that were read.
    read: usize,
}

impl Page<'_> {
    /// Fills the page. Returns where the next one continues.
    fn fill(&mut self) -> Result<Option<(String, u64)>> {
        let (first, mut from) = match &self.spec.after {
            Some((category, sequence)) => (category.as_str(), sequence + 1),
            None => ("", 0),
        };
        for category in self.reviewed.categories(&self.spec.filter)? {
            if &*category.key < first {
                continue;
            }
            if &*category.key > first {
                from = 0;
            }
            loop {
                let (block, compared) = self.block(category, from)?;
                let Some(compared) = compared else {
                    break;
                };
                let place = |sequence| Some((category.key.to_string(), sequence));
                if let Some(last) = self.compare(category, block)? {
                    return Ok(place(last));
                }
                if self.read >= DUPLICATES_READ {
                    return Ok(place(compared));
                }
                from = compared + 1;
            }
        }
        Ok(None)
    }

    /// The next members of a category that the filter accepts, and the place of the last that was read;
    /// `None`: there are no more.
    fn block(&mut self, category: &Category, from: u64) -> Result<(Vec<Later>, Option<u64>)> {
        let size = self.reviewed.chunk_members().min(BLOCK);
        let (mut block, mut last) = (Vec::new(), None);
        let page = self.reviewed.members_from(category, from, size)?;
        for membership in page {
            last = Some(membership.sequence);
            let item = self.reviewed.item(membership.item)?;
            self.read += 1;
            if self.spec.filter.accepts_member(&membership, &item) {
                block.push(Later {
                    category: Arc::clone(&category.key),
                    membership,
                    item,
                    nearest: None,
                    count: 0,
                });
            }
        }
        Ok((block, last))
    }

    /// Compares a block with all earlier members, and lists its duplicates. Returns the last one's place
    /// if the page is full.
    fn compare(&mut self, category: &Category, mut block: Vec<Later>) -> Result<Option<u64>> {
        let Some(end) = block.last().map(|last| last.membership.sequence) else {
            return Ok(None);
        };
        let reviewed = self.reviewed;
        let dimension = reviewed.namespace.settings().dimension as usize;
        let items: Vec<Item> = block.iter().map(|later| later.item.clone()).collect();
        let vectors = items.iter().map(|item| item.embedding.as_slice()).collect();
        let vectors = VectorBlock::new(dimension, vectors);
        let scope = match self.spec.scope {
            DuplicateScope::Same => vec![category],
            DuplicateScope::Other | DuplicateScope::Any => {
                reviewed.categories(&MemberFilter::default())?
            }
        };
        let (mut earlier, mut queries) = (Vec::new(), Vec::new());
        let size = reviewed.chunk_members();
        for other in scope {
            let is_same = other.id == category.id;
            if is_same && self.spec.scope == DuplicateScope::Other {
                continue;
            }
            let mut from = 0;
            'category: loop {
                let page = reviewed.members_from(other, from, size)?;
                let is_last = page.len() < size;
                for membership in page {
                    from = membership.sequence + 1;
                    if membership.sequence >= end {
                        break 'category;
                    }
                    let item = reviewed.item(membership.item)?;
                    self.read += 1;
                    queries.push(Scorer::Cosine.query(&item.embedding));
                    earlier.push(Earlier {
                        key: item.key,
                        item: item.id,
                        category: Arc::clone(&other.key),
                        sequence: membership.sequence,
                    });
                    if earlier.len() == size {
                        self.meet(&vectors, &mut block, &mut earlier, &mut queries)?;
                    }
                }
                if is_last {
                    break;
                }
            }
        }
        self.meet(&vectors, &mut block, &mut earlier, &mut queries)?;
        for later in block {
            let Some(nearest) = later.nearest else {
                continue;
            };
            self.duplicates.push(Duplicate {
                item: later.item.key,
                category: later.category,
                origin: later.membership.origin,
                original: nearest.item,
                original_category: nearest.category,
                similarity: nearest.similarity,
                count: later.count,
            });
            if self.duplicates.len() == self.spec.limit {
                return Ok(Some(later.membership.sequence));
            }
        }
        Ok(None)
    }

    /// Compares a block with some members.
    fn meet(
        &self,
        vectors: &VectorBlock<'_>,
        block: &mut [Later],
        earlier: &mut Vec<Earlier>,
        queries: &mut Vec<Option<Query>>,
    ) -> Result<()> {
        self.reviewed.check_deadline()?;
        let Ranker { shared, kernel } = self.ranker;
        let (ready, directions): (Vec<_>, Vec<Query>) = earlier
            .iter()
            .zip(queries.drain(..))
            .filter_map(|(earlier, query)| Some((earlier, query?)))
            .unzip();
        let tally = Some(&shared.counters.tally);
        let least = self.spec.min_similarity;
        let found = vectors.near(*kernel, &directions, least, shared.threads, tally);
        for (earlier, near) in ready.into_iter().zip(found) {
            for near in near {
                let later = &mut block[near.index];
                if earlier.sequence < later.membership.sequence && earlier.item != later.item.id {
                    later.meet(earlier, near.similarity);
                }
            }
        }
        earlier.clear();
        Ok(())
    }
}
