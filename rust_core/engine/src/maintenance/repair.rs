//! Repair: what can be read of a damaged directory goes into a new one, and what cannot is listed.
//!
//! The old directory is only read: its files are copied, and the copy is opened. Rows are read one
//! by one by their identifiers, so that a damaged page takes no more with it than what is on it,
//! and taken into a new engine the way a restore does it. Every page and every row has a checksum,
//! so what is read is what was written. What is missing shows in three ways: the index knows a
//! key whose row is not there, the namespace's counts are higher than what was found, and at last
//! its digest is another one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use ee_core::namespace::{CategoryRecord, Item, Part};
use ee_store::sqlite::{Damaged, Salvage};
use ee_store::{NamespaceRow, NamespaceState};

use crate::api::{
    DismissalView, Frame, ItemView, MembershipView, NamespaceView, NewNamespace, Options, PartView,
};
use crate::transfer::restore::Restore;
use crate::{Engine, Error, Result, WriteContext};

/// Items that go into the new directory at a time.
const BATCH: usize = 256;

/// What was recovered, and what was not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RepairReport {
    /// Every namespace that is known of.
    pub namespaces: Vec<RepairedNamespace>,
    /// What is lost, or may be, that belongs to no namespace that is known.
    pub lost: Vec<String>,
}

impl RepairReport {
    /// Whether everything is there that was.
    pub fn whole(&self) -> bool {
        self.lost.is_empty()
            && self
                .namespaces
                .iter()
                .all(|each| each.lost == Lost::default())
    }
}

/// A namespace of the old directory.
#[derive(Clone, Debug, PartialEq)]
pub struct RepairedNamespace {
    /// Its name.
    pub name: String,
    /// As it is in the new directory; none: it is not there.
    pub recovered: Option<NamespaceView>,
    /// What of it is lost.
    pub lost: Lost,
}

/// What of a namespace is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Keys of categories.
    pub categories: Vec<String>,
    /// Categories whose keys are lost too.
    pub unnamed_categories: u64,
    /// Keys of items.
    pub items: Vec<String>,
    /// Items whose keys are lost too.
    pub unnamed_items: u64,
    /// Keys of items that are there, but not in all the categories that they were in.
    pub memberships: Vec<String>,
    /// Memberships of which that is not known.
    pub unnamed_memberships: u64,
    /// Keys of composite items that are there as plain items, with the embedding that they had, since not
    /// all of their parts are.
    pub parts: Vec<String>,
    /// What else there is to say.
    pub others: Vec<String>,
}

/// Brings what can be read of a damaged directory into a new one, which must not be there yet or
/// be empty. The old one is not changed. Its namespaces begin at revision 1, as after a restore:
/// what is recovered is what they hold, not their history.
pub fn repair(from: &Path, to: &Path) -> Result<RepairReport> {
    let damaged = Damaged::lock(from)?;
    if fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::DirectoryNotEmpty {
            directory: to.display().to_string(),
        });
    }
    let engine = Engine::open(to, Options::default())?;
    let salvage = damaged.salvage(&to.join("copies"))?;
    Recovery::new(&engine, salvage).run()
}

/// A namespace on its way.
struct Salvaged {
    row: NamespaceRow,
    categories: BTreeMap<i64, Arc<str>>,
    restore: Option<Restore>,
    items: Vec<ItemView>,
    /// Keys that the index knows and that did not come yet.
    missing: BTreeMap<i64, String>,
    came: u64,
    memberships: u64,
    lost: Lost,
}

struct Recovery<'a> {
    engine: &'a Engine,
    salvage: Salvage,
    /// One more than the largest identifier.
    end: i64,
    namespaces: BTreeMap<i64, Salvaged>,
    report: RepairReport,
    /// Namespaces that were deleted, or whose restore was not finished: their rows are not missed.
    gone: Vec<i64>,
}

impl<'a> Recovery<'a> {
    fn new(engine: &'a Engine, salvage: Salvage) -> Self {
        let mut report = RepairReport::default();
        let acknowledged = salvage.acknowledged();
        match salvage.sequence() {
            Ok(sequence) if sequence < acknowledged => report.lost.push(format!(
                "the last {} entries, of {acknowledged}: whatever they wrote is older here, or \
                 missing",
                acknowledged - sequence
            )),
            Ok(_) => {}
            Err(error) => report.lost.push(format!(
                "the number of entries ({error}): the last writes may be older here, or missing"
            )),
        }
        Self {
            engine,
            end: salvage.end_of_ids(),
            salvage,
            namespaces: BTreeMap::new(),
            report,
            gone: Vec::new(),
        }
    }

    fn run(mut self) -> Result<RepairReport> {
        self.find_namespaces()?;
        self.take_categories()?;
        self.take_items()?;
        for (_, salvaged) in std::mem::take(&mut self.namespaces) {
            let finished = self.finish(salvaged)?;
            self.report.namespaces.push(finished);
        }
        self.report.namespaces.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(self.report)
    }

    fn find_namespaces(&mut self) -> Result<()> {
        let mut names = self.salvage.namespace_names();
        let mut unreadable = 0u64;
        for id in 1..self.end {
            match self.salvage.namespace(id) {
                Ok(None) => {}
                Ok(Some(row)) if row.state == NamespaceState::Active => {
                    names.remove(&id);
                    self.begin(id, row)?;
                }
                Ok(Some(_)) => self.gone.push(id),
                Err(error) => match names.remove(&id) {
                    Some(name) => self.give_up(name, format!("its settings ({error})")),
                    None => unreadable += 1,
                },
            }
        }
        // Known to the index alone.
        for (_, name) in names {
            self.give_up(name, "its row is missing".into());
        }
        if unreadable > 0 {
            self.report.lost.push(
                "a part of the table of namespaces: there may have been some that are not listed"
                    .into(),
            );
        }
        Ok(())
    }

    fn give_up(&mut self, name: String, why: String) {
        let others = vec![format!("all of it: {why}")];
        self.report.namespaces.push(RepairedNamespace {
            name,
            recovered: None,
            lost: Lost {
                others,
                ..Lost::default()
            },
        });
    }

    fn begin(&mut self, id: i64, row: NamespaceRow) -> Result<()> {
        let new = NewNamespace {
            name: row.name.clone(),
            settings: row.settings.clone(),
            description: row.profile.description.clone(),
            labels: row.profile.labels.clone(),
            ranking: row.profile.ranking,
            history_keep: row.profile.history_keep,
        };
        let context = WriteContext {
            actor: "effemb repair".into(),
            reason: "recovered from a damaged directory".into(),
            ..WriteContext::default()
        };
        let salvaged = Salvaged {
            restore: Some(self.engine.restore(new, context)?),
            row,
            categories: BTreeMap::new(),
            items: Vec::new(),
            missing: self.salvage.item_keys(id),
            came: 0,
            memberships: 0,
            lost: Lost::default(),
        };
        self.namespaces.insert(id, salvaged);
        Ok(())
    }

    fn take_categories(&mut self) -> Result<()> {
        let mut records: BTreeMap<i64, Vec<CategoryRecord>> = BTreeMap::new();
        for id in 1..self.end {
            // One that cannot be read is missed below.
            let Ok(Some((namespace, record))) = self.salvage.category(id) else {
                continue;
            };
            if let Some(salvaged) = self.namespaces.get_mut(&namespace) {
                let key = Arc::clone(&record.key);
                salvaged.categories.insert(id, key);
                records.entry(namespace).or_default().push(record);
            }
        }
        for (id, salvaged) in &mut self.namespaces {
            let mut known = self.salvage.category_keys(*id);
            known.retain(|id, _| !salvaged.categories.contains_key(id));
            salvaged.lost.categories = known.into_values().collect();
            salvaged.lost.categories.sort();
            let accounted = salvaged.categories.len() + salvaged.lost.categories.len();
            salvaged.lost.unnamed_categories = salvaged
                .row
                .header
                .categories
                .saturating_sub(accounted as u64);
            let records = records.remove(id).unwrap_or_default();
            for run in records.chunks(BATCH) {
                salvaged.push(Frame::Records(run.to_vec()));
            }
        }
        Ok(())
    }

    fn take_items(&mut self) -> Result<()> {
        let mut strays: BTreeMap<i64, u64> = BTreeMap::new();
        for id in 1..self.end {
            let Ok(Some((namespace, item))) = self.salvage.item(id) else {
                continue;
            };
            match self.namespaces.get_mut(&namespace) {
                Some(salvaged) => salvaged.take(&self.salvage, id, item),
                None if self.gone.contains(&namespace) => {}
                None => *strays.entry(namespace).or_default() += 1,
            }
        }
        for (namespace, items) in strays {
            self.report.lost.push(format!(
                "{items} items that can be read, of namespace number {namespace}, whose settings \
                 are lost"
            ));
        }
        Ok(())
    }

    fn finish(&self, mut salvaged: Salvaged) -> Result<RepairedNamespace> {
        salvaged.flush();
        let (header, recorded) = (salvaged.row.header, salvaged.row.digest());
        let mut lost = salvaged.lost;
        lost.items = salvaged.missing.into_values().collect();
        lost.items.sort();
        let accounted = salvaged.came + lost.items.len() as u64;
        lost.unnamed_items = header.items.saturating_sub(accounted);
        let accounted = salvaged.memberships + lost.memberships.len() as u64;
        lost.unnamed_memberships = header.memberships.saturating_sub(accounted);
        let finished = match salvaged.restore.take() {
            Some(restore) => restore.finish_as_it_is(),
            None => Err(Error::InvalidSnapshot {
                reason: "it was given up".into(),
            }),
        };
        let recovered = match finished {
            Ok((view, plain)) => {
                lost.parts.extend(plain);
                lost.parts.sort();
                if view.digest != recorded && lost == Lost::default() {
                    lost.others.push(
                        "something that cannot be named: the digest is another one than was \
                         recorded"
                            .into(),
                    );
                }
                Some(view)
            }
            Err(error @ (Error::StoreFailed { .. } | Error::ShuttingDown)) => return Err(error),
            Err(error) => {
                lost.others.push(format!(
                    "all of it: what is left does not fit together ({error})"
                ));
                None
            }
        };
        Ok(RepairedNamespace {
            name: salvaged.row.name,
            recovered,
            lost,
        })
    }
}

impl Salvaged {
    /// Takes an item in, in the categories that are there.
    fn take(&mut self, salvage: &Salvage, id: i64, item: Item) {
        self.missing.remove(&id);
        self.came += 1;
        let mut view = ItemView {
            key: item.key,
            weight: item.weight,
            embedding: Some(item.embedding),
            metadata: item.metadata,
            created_ms: item.created_ms,
            memberships: Vec::new(),
            dismissals: Vec::new(),
            parts: Vec::new(),
        };
        match salvage.parts(id) {
            Ok(parts) => self.take_parts(salvage, &mut view, &parts),
            Err(_) => self.lost.parts.push(view.key.clone()),
        }
        let dismissals = salvage.dismissals(id).unwrap_or_else(|_| {
            self.lost.memberships.push(view.key.clone());
            Vec::new()
        });
        for dismissal in dismissals {
            if let Some(key) = self.categories.get(&dismissal.category) {
                view.dismissals.push(DismissalView {
                    category: key.to_string(),
                    origin: dismissal.origin,
                });
            }
        }
        match salvage.memberships(id) {
            Ok(memberships) => {
                for membership in memberships {
                    match self.categories.get(&membership.category) {
                        Some(key) => {
                            self.memberships += 1;
                            view.memberships.push(MembershipView {
                                category: key.to_string(),
                                sequence: membership.sequence,
                                origin: membership.origin,
                            });
                        }
                        None => self.lost.memberships.push(view.key.clone()),
                    }
                }
            }
            Err(_) => self.lost.memberships.push(view.key.clone()),
        }
        self.items.push(view);
        if self.items.len() == BATCH {
            self.flush();
        }
    }

    /// Takes the parts of an item in, if the keys of all of them are known.
    fn take_parts(&mut self, salvage: &Salvage, view: &mut ItemView, parts: &[Part]) {
        for part in parts {
            let Ok(Some((_, item))) = salvage.item(part.item) else {
                view.parts.clear();
                self.lost.parts.push(view.key.clone());
                return;
            };
            view.parts.push(PartView {
                item: item.key,
                weight: part.weight,
            });
        }
        view.parts.sort_by(|a, b| a.item.cmp(&b.item));
    }

    fn flush(&mut self) {
        let items = std::mem::take(&mut self.items);
        if !items.is_empty() {
            self.push(Frame::Items(items));
        }
    }

    /// Hands a frame on. What does not fit together is given up, and the rest goes on.
    fn push(&mut self, frame: Frame) {
        let Some(restore) = &mut self.restore else {
            return;
        };
        if let Err(error) = restore.push(frame) {
            self.lost.others.push(error.to_string());
            self.restore = None;
        }
    }
}
