//! Restore: a full snapshot back into a new namespace, all of it or nothing.
//!
//! Rows go into a namespace that no reader sees, a transaction per frame. At the end sums are built,
//! counts and digest compared with the trailer's, and one transaction makes the namespace visible. A
//! restore that is dropped, refused or cut off by a crash leaves rows that are purged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ee_core::arithmetic::digest::SetDigest;
use ee_core::arithmetic::limits::MAX_CAPPED_ACTORS;
use ee_core::command::{MAX_COMPOSITES, MAX_PARTS};
use ee_core::namespace::CategoryDraft;
use ee_core::namespace::{
    CategoryRecord, Dismissal, Item, Membership, dismissal_hash, membership_hash,
};
use ee_core::settings::MembershipMode;
use ee_store::failpoints::{Failpoint, reach};
use ee_store::{NamespaceRow, NamespaceState, Reads, RestoredItem};
use rustc_hash::FxHashMap;

use crate::Result;
use crate::api::{Frame, ItemView, NamespaceView, NewNamespace, PartView, WriteContext};
use crate::read::verify::rebuild;
use crate::shared::Shared;
use crate::transfer::restore_operations::{
    AbandonRestore, BeginRestore, FinishRestore, RestoreCategories, RestoreItems, RestoreParts,
    RestoreSums, invalid,
};
use crate::write::writer::Writer;

/// Largest sequence that a snapshot may have. Sequences end at 2^63, so as many assignments as any
/// namespace will ever see are left.
const MAX_SEQUENCE: u64 = 1 << 62;

/// Sums written in a transaction.
const SUMS: usize = 64;

/// Parts written in a transaction, about.
const PARTS: usize = 4096;

/// A restore under way. Dropping it abandons it.
pub struct Restore {
    shared: Arc<Shared>,
    writer: Arc<Writer>,
    row: NamespaceRow,
    context: WriteContext,
    max_namespaces: Option<u64>,
    /// Categories so far, with the identifiers that they got here.
    categories: BTreeMap<String, (i64, CategoryRecord)>,
    /// Composite items so far, with their parts: those may come later.
    composites: BTreeMap<String, Vec<PartView>>,
    done: bool,
}

impl Restore {
    pub(crate) fn begin(
        shared: Arc<Shared>,
        writer: Arc<Writer>,
        new: NewNamespace,
        context: WriteContext,
        max_namespaces: Option<u64>,
    ) -> Result<Self> {
        let row = writer.operation(BeginRestore {
            new,
            max_namespaces,
        })?;
        Ok(Self {
            shared,
            writer,
            row,
            context,
            max_namespaces,
            categories: BTreeMap::new(),
            composites: BTreeMap::new(),
            done: false,
        })
    }

    /// Takes a frame of category records or of items.
    pub fn push(&mut self, frame: Frame) -> Result<()> {
        match frame {
            Frame::Records(records) => self.push_categories(records),
            Frame::Items(items) => self.push_items(items),
            _ => Err(invalid(
                "only categories and items come between header and trailer",
            )),
        }
    }

    fn push_categories(&mut self, records: Vec<CategoryRecord>) -> Result<()> {
        let namespace = self.row.id;
        let mut new = BTreeSet::new();
        for record in &records {
            let key = record.key.to_string();
            if self.categories.contains_key(&key) || !new.insert(key) {
                return Err(invalid(format!("category {:?} comes twice", record.key)));
            }
            if record.anchor > MAX_SEQUENCE {
                return Err(invalid(format!(
                    "category {:?} has an anchor of sequence {}",
                    record.key, record.anchor
                )));
            }
            // Members to come must stand behind the anchor, also where those that it stood on
            // have left.
            let next = &mut self.row.header.next_sequence;
            *next = (*next).max(record.anchor + 1);
        }
        let records: Arc<[CategoryRecord]> = records.into();
        let ids = self.writer.operation(RestoreCategories {
            namespace,
            records: Arc::clone(&records),
        })?;
        self.row.header.categories += ids.len() as u64;
        for (id, record) in ids.into_iter().zip(records.iter()) {
            let key = record.key.to_string();
            self.categories.insert(key, (id, record.clone()));
        }
        Ok(())
    }

    fn push_items(&mut self, items: Vec<ItemView>) -> Result<()> {
        let mut rows = Vec::with_capacity(items.len());
        for item in items {
            rows.push(self.take_in(item)?);
        }
        self.writer.operation(RestoreItems {
            namespace: self.row.id,
            items: rows,
        })
    }

    /// Counts an item, finds its categories and keeps its parts.
    fn take_in(&mut self, mut view: ItemView) -> Result<RestoredItem> {
        let single = self.row.settings.membership == MembershipMode::Single;
        if single && view.memberships.len() > 1 {
            return Err(invalid(format!(
                "item {:?} is in {} categories of a SINGLE namespace",
                view.key,
                view.memberships.len()
            )));
        }
        let parts = std::mem::take(&mut view.parts);
        if parts.len() > MAX_PARTS || !parts.is_sorted_by(|a, b| a.item < b.item) {
            return Err(invalid(format!(
                "item {:?} has more than {MAX_PARTS} parts, or they are not ordered by key",
                view.key
            )));
        }
        if !parts.is_empty() {
            self.composites.insert(view.key.clone(), parts);
        }
        let item = Item {
            id: 0,
            embedding: view
                .embedding
                .ok_or_else(|| invalid(format!("item {:?} has no embedding", view.key)))?,
            weight: view.weight,
            metadata: view.metadata,
            created_ms: view.created_ms,
            key: view.key,
        };
        let header = &mut self.row.header;
        header.items += 1;
        header.item_records.insert(&item.hash());
        let mut memberships: Vec<Membership> = Vec::with_capacity(view.memberships.len());
        for membership in view.memberships {
            let Some((category, _)) = self.categories.get(&membership.category) else {
                return Err(invalid(format!(
                    "item {:?} is in category {:?}, which did not come",
                    item.key, membership.category
                )));
            };
            if membership.sequence == 0 || membership.sequence > MAX_SEQUENCE {
                return Err(invalid(format!(
                    "item {:?} has a membership of sequence {}",
                    item.key, membership.sequence
                )));
            }
            header.memberships += 1;
            header.next_sequence = header.next_sequence.max(membership.sequence + 1);
            header
                .item_records
                .insert(&membership_hash(&item.key, &membership.category));
            memberships.push(Membership {
                item: 0,
                category: *category,
                sequence: membership.sequence,
                origin: membership.origin,
            });
        }
        let mut dismissals: Vec<Dismissal> = Vec::with_capacity(view.dismissals.len());
        for dismissal in view.dismissals {
            let Some((category, _)) = self.categories.get(&dismissal.category) else {
                return Err(invalid(format!(
                    "item {:?} is dismissed from category {:?}, which did not come",
                    item.key, dismissal.category
                )));
            };
            let is_member = memberships.iter().any(|own| own.category == *category);
            if is_member || dismissals.iter().any(|own| own.category == *category) {
                return Err(invalid(format!(
                    "item {:?} is dismissed from category {:?} twice, or in spite of being in it",
                    item.key, dismissal.category
                )));
            }
            header.dismissals += 1;
            header
                .item_records
                .insert(&dismissal_hash(&item.key, &dismissal.category));
            dismissals.push(Dismissal {
                item: 0,
                category: *category,
                origin: dismissal.origin,
            });
        }
        Ok(RestoredItem {
            item,
            memberships,
            dismissals,
        })
    }

    /// Takes the trailer; the namespace is there when this returns.
    pub fn finish(self, trailer: Frame) -> Result<NamespaceView> {
        let Frame::Trailer {
            categories,
            items,
            memberships,
            digest,
        } = trailer
        else {
            return Err(invalid("the last frame must be a trailer"));
        };
        let header = self.row.header;
        for (what, said, came) in [
            ("categories", categories, header.categories),
            ("items", items, header.items),
            ("memberships", memberships, header.memberships),
        ] {
            if said != came {
                return Err(invalid(format!(
                    "{came} {what} came, the trailer says {said}"
                )));
            }
        }
        Ok(self.end(Some(digest))?.0)
    }

    /// Makes the namespace of what has come, whatever that is. Returns the keys of the composite items
    /// that are plain items now, since their parts have not all come, too.
    pub(crate) fn finish_as_it_is(self) -> Result<(NamespaceView, Vec<String>)> {
        self.end(None)
    }

    fn end(mut self, expected: Option<[u8; 32]>) -> Result<(NamespaceView, Vec<String>)> {
        let plain = self.store_parts(expected.is_none())?;
        self.reach(Failpoint::RestoreSums)?;
        self.row.header.category_records = self.build_sums()?;
        self.row.header.revision = 1;
        self.row.sums_revision = 1;
        self.row.state = NamespaceState::Active;
        let digest = self.row.digest();
        if expected.is_some_and(|expected| expected != digest) {
            return Err(invalid("the digest of what came is not the trailer's"));
        }
        self.reach(Failpoint::RestoreFinish)?;
        let (view, first) = self.writer.operation(FinishRestore {
            row: self.row.clone(),
            context: self.context.clone(),
            max_namespaces: self.max_namespaces,
        })?;
        self.done = first;
        Ok((view, plain))
    }

    /// Stores the parts of composite items. What does not fit together is refused, or, with `lenient`, left
    /// as plain items, whose keys are returned.
    fn store_parts(&mut self, lenient: bool) -> Result<Vec<String>> {
        let composites = std::mem::take(&mut self.composites);
        let mut uses: FxHashMap<&str, usize> = FxHashMap::default();
        for (key, parts) in &composites {
            for part in parts {
                let uses = uses.entry(&part.item).or_default();
                *uses += 1;
                let is_composite = composites.contains_key(&part.item);
                if !lenient && (is_composite || *uses > MAX_COMPOSITES) {
                    return Err(invalid(format!(
                        "item {:?}, a part of {key:?}, has parts itself, or is a part of more than \
                         {MAX_COMPOSITES} items",
                        part.item
                    )));
                }
            }
        }
        let composites: Vec<(String, Vec<PartView>)> = composites.into_iter().collect();
        let mut plain = Vec::new();
        let mut rest = composites.as_slice();
        while !rest.is_empty() {
            let mut parts = 0;
            let chunk = rest.iter().take_while(|(_, own)| {
                let fits = parts < PARTS;
                parts += own.len();
                fits
            });
            let (chunk, others) = rest.split_at(chunk.count());
            rest = others;
            let restored = self.writer.operation(RestoreParts {
                namespace: self.row.id,
                settings: self.row.settings.clone(),
                composites: chunk.to_vec(),
                lenient,
            })?;
            let header = &mut self.row.header;
            header.parts += restored.parts;
            header.item_records.combine_with(restored.records);
            plain.extend(restored.plain);
        }
        Ok(plain)
    }

    fn reach(&self, point: Failpoint) -> Result<()> {
        reach(point).map_err(|error| self.shared.read_error(error.into()))
    }

    /// Builds and writes the sums of all categories; returns their part of the digest.
    fn build_sums(&self) -> Result<SetDigest> {
        let mut digest = SetDigest::default();
        let categories: Vec<_> = self.categories.values().cloned().collect();
        for chunk in categories.chunks(SUMS) {
            let drafts = self.shared.reading(|| {
                let view = self.shared.backend.view()?;
                let build = |(id, record): &(i64, _)| self.build(view.reads(), *id, record);
                chunk.iter().map(build).collect::<Result<Vec<_>>>()
            })?;
            for draft in &drafts {
                digest.insert(&draft.compute_hash());
            }
            self.writer.operation(RestoreSums {
                namespace: self.row.id,
                drafts,
            })?;
        }
        Ok(digest)
    }

    fn build(&self, reads: &dyn Reads, id: i64, record: &CategoryRecord) -> Result<CategoryDraft> {
        let NamespaceRow {
            settings, profile, ..
        } = &self.row;
        let mut draft = CategoryDraft::create(settings, profile.ranking, id, record.clone());
        let room = draft.start_rebuild();
        rebuild(reads, self.row.id, &mut draft, room)?;
        let actors = draft.category.actors.as_ref().map_or(0, |own| own.len());
        if actors > MAX_CAPPED_ACTORS {
            let key = &draft.category.key;
            return Err(invalid(format!(
                "category {key:?} has a max_actor_share and counting members of {actors} actors: at \
                 most {MAX_CAPPED_ACTORS} can be"
            )));
        }
        Ok(draft)
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if !self.done {
            let row = NamespaceRow {
                state: NamespaceState::Restoring,
                ..self.row.clone()
            };
            // If even this fails, the next start finds an unfinished restore.
            let _ = self.writer.operation(AbandonRestore { row });
        }
    }
}
