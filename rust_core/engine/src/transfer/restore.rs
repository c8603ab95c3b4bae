//! Restore: a full snapshot back into a new namespace, all of it or nothing.
//!
//! Rows go into a namespace that nobody sees, a frame a transaction. At the end sums are built,
//! counts and digest compared with the trailer's, and one transaction makes it visible. A restore
//! that is dropped, refused or cut off by a crash leaves rows that are purged.

use std::collections::BTreeMap;
use std::sync::Arc;

use ee_core::arithmetic::digest::{RecordHash, SetDigest};
use ee_core::command::Store;
use ee_core::command::record::{Change, Entry};
use ee_core::namespace::{CategoryDraft, Header, Profile};
use ee_core::namespace::{CategoryRecord, Item, Membership, Origin, membership_hash};
use ee_core::settings::MembershipMode;
use rusqlite::Connection;

use crate::api::{Frame, ItemView, NamespaceView, NewNamespace, WriteContext};
use crate::engine::{check_new_name, check_room, recall, remember};
use crate::failpoints::{Step, reach};
use crate::maintenance::verify::rebuild;
use crate::shared::Shared;
use crate::store::{
    Head, NamespaceRow, Pending, Reader, SqlStore, State, StoreError, StoreResult, queries,
};
use crate::write::writer::Writer;
use crate::{Error, Result};

/// Sums written in a transaction.
const SUMS: usize = 64;

/// A restore under way. Dropping it abandons it.
pub struct Restore {
    shared: Arc<Shared>,
    writer: Arc<Writer>,
    row: NamespaceRow,
    context: WriteContext,
    max_namespaces: Option<u64>,
    /// Categories so far, with the identifiers that they got here.
    categories: BTreeMap<String, (i64, CategoryRecord)>,
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
        let row = writer.task(
            move |connection, head| {
                check_new_name(connection, &new.name)?;
                check_room(head.namespaces, max_namespaces)?;
                let row = NamespaceRow {
                    id: head.take_id(),
                    name: new.name,
                    state: State::Restoring,
                    settings: new.settings,
                    profile: Profile {
                        description: new.description,
                        labels: new.labels,
                        created_ms: head.time_ms,
                    },
                    header: Header {
                        next_sequence: 1,
                        ..Header::default()
                    },
                    checkpoint: 0,
                };
                queries::save_namespace(connection, &row)?;
                Ok(row)
            },
            |_, _| {},
        )?;
        Ok(Self {
            shared,
            writer,
            row,
            context,
            max_namespaces,
            categories: BTreeMap::new(),
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
        let mut new = BTreeMap::new();
        for record in &records {
            let key = record.key.to_string();
            if self.categories.contains_key(&key) || new.insert(key, ()).is_some() {
                return Err(invalid(format!("category {:?} comes twice", record.key)));
            }
            if record.anchor >= i64::MAX.cast_unsigned() {
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
        let stored = self.writer.task(
            move |connection, head| {
                let mut pending = Pending::default();
                let mut store = SqlStore::new(connection, namespace, head, &mut pending);
                let store_one = |record: CategoryRecord| {
                    let id = store.insert_category(&record)?;
                    Ok((record.key.to_string(), (id, record)))
                };
                let stored: StoreResult<Vec<_>> = records.into_iter().map(store_one).collect();
                Ok(stored?)
            },
            |_, _| {},
        )?;
        self.row.header.categories += stored.len() as u64;
        self.categories.extend(stored);
        Ok(())
    }

    fn push_items(&mut self, items: Vec<ItemView>) -> Result<()> {
        let mut rows = Vec::with_capacity(items.len());
        for item in items {
            rows.push(self.take_in(item)?);
        }
        let namespace = self.row.id;
        self.writer.task(
            move |connection, head| {
                let mut pending = Pending::default();
                let mut store = SqlStore::new(connection, namespace, head, &mut pending);
                for (item, memberships) in rows {
                    if store.item(&item.key)?.is_some() {
                        return Err(invalid(format!("item {:?} comes twice", item.key)));
                    }
                    let id = store.insert_item(&item, memberships.is_empty())?;
                    for mut membership in memberships {
                        membership.item = id;
                        store
                            .insert_restored_membership(&membership)
                            .map_err(taken)?;
                    }
                }
                Ok(pending.insert(connection)?)
            },
            |_, ()| {},
        )
    }

    /// Counts an item and finds its categories.
    fn take_in(&mut self, view: ItemView) -> Result<(Item, Vec<Membership>)> {
        let single = self.row.settings.membership == MembershipMode::Single;
        if single && view.memberships.len() > 1 {
            return Err(invalid(format!(
                "item {:?} is in {} categories of a SINGLE namespace",
                view.key,
                view.memberships.len()
            )));
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
        let mut memberships = Vec::with_capacity(view.memberships.len());
        for membership in view.memberships {
            let Some((category, _)) = self.categories.get(&membership.category) else {
                return Err(invalid(format!(
                    "item {:?} is in category {:?}, which did not come",
                    item.key, membership.category
                )));
            };
            if membership.sequence == 0 || membership.sequence >= i64::MAX.cast_unsigned() {
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
        Ok((item, memberships))
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
        self.end(Some(digest))
    }

    /// Makes the namespace of what has come, whatever that is.
    pub(crate) fn finish_as_it_is(self) -> Result<NamespaceView> {
        self.end(None)
    }

    fn end(mut self, expected: Option<[u8; 32]>) -> Result<NamespaceView> {
        self.step(Step::RestoreSums)?;
        self.row.header.category_records = self.build_sums()?;
        self.row.header.revision = 1;
        self.row.checkpoint = 1;
        self.row.state = State::Active;
        let digest = self.row.header.digest(&self.row.settings);
        if expected.is_some_and(|expected| expected != digest) {
            return Err(invalid("the digest of what came is not the trailer's"));
        }
        self.step(Step::RestoreFinish)?;
        let (row, context) = (self.row.clone(), self.context.clone());
        let limit = self.max_namespaces;
        let (view, first) = self.writer.task(
            move |connection, head| {
                if let Some(view) = recall(connection, &row.name, &context, head.time_ms)? {
                    return Ok((view, false));
                }
                check_new_name(connection, &row.name)?;
                check_room(head.namespaces, limit)?;
                head.namespaces += 1;
                append_created(connection, head, row.id, &context)?;
                queries::save_namespace(connection, &row)?;
                let view = remember(connection, &row.name, &context, head.time_ms, row.view())?;
                Ok((view, true))
            },
            |_, _| {},
        )?;
        self.done = first;
        Ok(view)
    }

    fn step(&self, step: Step) -> Result<()> {
        reach(step).map_err(|error| self.shared.read_error(error.into()))
    }

    /// Builds and writes the sums of all categories; returns their part of the digest.
    fn build_sums(&self) -> Result<SetDigest> {
        let mut digest = SetDigest::default();
        let categories: Vec<_> = self.categories.values().cloned().collect();
        for chunk in categories.chunks(SUMS) {
            let built: Result<Vec<_>> =
                self.shared
                    .readers
                    .begin()
                    .map_err(Error::from)
                    .and_then(|reader| {
                        let build = |(id, record): &(i64, _)| self.build(&reader, *id, record);
                        chunk.iter().map(build).collect()
                    });
            let built = built.map_err(|error| self.shared.read_error(error))?;
            for (hash, _) in &built {
                digest.insert(hash);
            }
            let namespace = self.row.id;
            self.writer.task(
                move |connection, _| {
                    for (_, draft) in &built {
                        let id = draft.category.id;
                        let absorbed = &draft.category.stats;
                        queries::save_sum(connection, namespace, id, 1, absorbed, &draft.sum)?;
                    }
                    Ok(())
                },
                |_, ()| {},
            )?;
        }
        Ok(digest)
    }

    fn build(
        &self,
        reader: &Reader,
        id: i64,
        record: &CategoryRecord,
    ) -> Result<(RecordHash, CategoryDraft)> {
        let mut draft = CategoryDraft::create(&self.row.settings, id, record.clone());
        rebuild(reader, &mut draft)?;
        Ok((draft.compute_hash(), draft))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut row = self.row.clone();
        row.state = State::Deleted;
        // If even this fails, the next start finds a restore that nobody finished.
        let _ = self.writer.task(
            move |connection, _| Ok(queries::save_namespace(connection, &row)?),
            |_, ()| {},
        );
    }
}

/// Appends the first entry of a namespace's log.
pub(crate) fn append_created(
    connection: &Connection,
    head: &mut Head,
    namespace: i64,
    context: &WriteContext,
) -> StoreResult<()> {
    head.sequence += 1;
    let entry = Entry {
        revision: 1,
        origin: Origin {
            time_ms: head.time_ms,
            actor: context.actor.clone(),
            reason: context.reason.clone(),
        },
        request_id: context.request_id.clone(),
        changes: vec![Change::NamespaceCreated],
        effects: Vec::new(),
        images: Vec::new(),
    };
    queries::append_entry(connection, namespace, head.sequence, &entry)
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidSnapshot {
        reason: reason.into(),
    }
}

/// Two memberships with the same place in a category: a constraint of the table says no.
fn taken(error: StoreError) -> Error {
    match &error {
        StoreError::Sqlite(sqlite)
            if sqlite.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
        {
            invalid(
                "two memberships of a category have the same sequence, or an item is in a category twice",
            )
        }
        _ => error.into(),
    }
}
