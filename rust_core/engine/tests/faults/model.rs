//! What must be there, as plain maps.

use std::collections::BTreeMap;

use ee_core::namespace::PartsMean;
use ee_core::settings::MembershipMode;
use ee_engine::{
    Engine, Error, Frame, ItemFilter, ItemView, PartView, ReadContext, Result, SnapshotView,
    WriteContext,
};

use crate::common::new_namespace;

pub(crate) const CATEGORIES: u64 = 3;

/// Items below this number are plain ones, the others may be composite.
pub(crate) const PLAIN: u64 = 40;

/// Items that may be composite.
pub(crate) const COMPOSITES: u64 = 4;

/// An item: its vector, its weight, its category, and the weights of its parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) vector: Vec<f32>,
    pub(crate) weight: f32,
    pub(crate) category: Option<u64>,
    pub(crate) parts: BTreeMap<u64, f32>,
}

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Space {
    pub(crate) revision: u64,
    pub(crate) categories: u64,
    /// By number; the key is `i` and the number.
    pub(crate) items: BTreeMap<u64, Item>,
}

impl Space {
    /// Deletes an item, which leaves the items that it is a part of.
    pub(crate) fn delete(&mut self, item: u64) {
        self.items.remove(&item);
        for other in self.items.values_mut() {
            other.parts.remove(&item);
        }
        self.follow();
    }

    /// Gives each composite item the mean of its parts.
    pub(crate) fn follow(&mut self) {
        let settings = new_namespace("", MembershipMode::Single).settings;
        let composites = self.items.iter().filter(|(_, own)| !own.parts.is_empty());
        let means = composites.map(|(number, own)| {
            let mut mean = PartsMean::new(&settings);
            for (part, weight) in &own.parts {
                mean.add(*weight, &self.items[part].vector);
            }
            (*number, mean.embedding(&settings).unwrap())
        });
        for (number, mean) in means.collect::<Vec<_>>() {
            self.items.get_mut(&number).unwrap().vector = mean;
        }
    }
}

/// All namespaces.
pub(crate) type World = BTreeMap<String, Space>;

fn key(item: u64) -> String {
    format!("i{item}")
}

/// Compares everything that can be read with what must be there. An error of a read is returned; a
/// difference is said in words.
pub(crate) fn compare(engine: &Engine, world: &World) -> Result<Option<String>> {
    let names: Vec<String> = world.keys().cloned().collect();
    let listed = engine.list_namespaces("", None, 1000)?;
    let listed: Vec<String> = listed.into_iter().map(|view| view.unwrap().name).collect();
    if listed != names {
        return Ok(Some(format!("namespaces {listed:?}, must be {names:?}")));
    }
    for (name, space) in world {
        if let Some(difference) = compare_space(engine, name, space)? {
            return Ok(Some(format!("namespace {name}: {difference}")));
        }
    }
    Ok(None)
}

fn compare_space(engine: &Engine, name: &str, space: &Space) -> Result<Option<String>> {
    let view = engine.namespace(&engine.handle(name)?, ReadContext::default())?;
    let members = space.items.values().filter(|i| i.category.is_some());
    let found = (view.revision, view.categories, view.items, view.memberships);
    let must = (
        space.revision,
        space.categories,
        space.items.len() as u64,
        members.count() as u64,
    );
    if found != must {
        return Ok(Some(format!("counts {found:?}, must be {must:?}")));
    }
    for number in 0..PLAIN + COMPOSITES {
        let must = space.items.get(&number);
        match engine.item(
            &engine.handle(name)?,
            &key(number),
            true,
            ReadContext::default(),
        ) {
            Ok(at) if must.is_some_and(|must| same(&at.value, number, must)) => {}
            Err(Error::ItemNotFound { .. }) if must.is_none() => {}
            Err(error) if !matches!(error, Error::ItemNotFound { .. }) => return Err(error),
            other => {
                return Ok(Some(format!(
                    "item {number} is {other:?}, must be {must:?}"
                )));
            }
        }
    }
    let mut all: Vec<String> = space.items.keys().map(|n| key(*n)).collect();
    all.sort();
    let after = |after| ItemFilter::All { after };
    let listed = pages(engine, name, after)?;
    if listed != all {
        return Ok(Some(format!("items {listed:?}, must be {all:?}")));
    }
    let of = |category: Option<u64>| {
        let items = space.items.iter();
        let items = items.filter(|(_, item)| item.category == category);
        let mut keys: Vec<String> = items.map(|(n, _)| key(*n)).collect();
        keys.sort();
        keys
    };
    let listed = pages(engine, name, |after| ItemFilter::Inbox { after })?;
    if listed != of(None) {
        return Ok(Some(format!("inbox {listed:?}, must be {:?}", of(None))));
    }
    for category in 0..space.categories {
        let filter = ItemFilter::Category {
            key: format!("c{category}"),
            before: None,
        };
        let items = engine.items(
            &engine.handle(name)?,
            filter,
            1000,
            false,
            ReadContext::default(),
        )?;
        let mut listed: Vec<String> = items.value.into_iter().map(|item| item.key).collect();
        listed.sort();
        let must = of(Some(category));
        let counted = engine.category(
            &engine.handle(name)?,
            &format!("c{category}"),
            false,
            Default::default(),
        )?;
        if listed != must || counted.value.member_count != must.len() as u64 {
            return Ok(Some(format!(
                "category {category}: {listed:?}, must be {must:?}"
            )));
        }
    }
    let report = engine.verify(&engine.handle(name)?)?.value;
    if !report.findings.is_empty() || report.digest != view.digest {
        return Ok(Some(format!("verify: {:?}", report.findings)));
    }
    Ok(None)
}

fn same(view: &ItemView, number: u64, must: &Item) -> bool {
    let categories = view.memberships.iter().map(|m| m.category.clone());
    let categories: Vec<String> = categories.collect();
    let must_be: Vec<String> = must.category.iter().map(|c| format!("c{c}")).collect();
    let part = |(number, weight): (&u64, &f32)| PartView {
        item: key(*number),
        weight: *weight,
    };
    let mut parts: Vec<PartView> = must.parts.iter().map(part).collect();
    parts.sort_by(|a, b| a.item.cmp(&b.item));
    view.key == key(number)
        && view.weight == must.weight
        && view.embedding.as_ref() == Some(&must.vector)
        && categories == must_be
        && view.parts == parts
}

/// All keys of a listing, in pages.
fn pages(
    engine: &Engine,
    name: &str,
    filter: impl Fn(Option<String>) -> ItemFilter,
) -> Result<Vec<String>> {
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = engine.items(
            &engine.handle(name)?,
            filter(after),
            7,
            false,
            ReadContext::default(),
        )?;
        keys.extend(page.value.into_iter().map(|item| item.key));
        after = keys.last().cloned();
        if !keys.len().is_multiple_of(7) || after.is_none() {
            return Ok(keys);
        }
        // An empty page ends it too.
        let filter = filter(after.clone());
        let next = engine.items(
            &engine.handle(name)?,
            filter,
            1,
            false,
            ReadContext::default(),
        )?;
        if next.value.is_empty() {
            return Ok(keys);
        }
    }
}

/// Copies a namespace through a snapshot and a restore.
pub(crate) fn copy(engine: &Engine, from: &str, to: &str) -> Result<()> {
    let snapshot = engine.snapshot(
        &engine.handle(from)?,
        SnapshotView::Full,
        ReadContext::default(),
    )?;
    let frames: Vec<Frame> = snapshot.collect::<Result<_>>()?;
    let new = new_namespace(to, MembershipMode::Single);
    let mut restore = engine.restore(new, WriteContext::default())?;
    let Some((trailer, frames)) = frames.split_last() else {
        return Ok(());
    };
    for frame in &frames[1..] {
        restore.push(frame.clone())?;
    }
    restore.finish(trailer.clone()).map(drop)
}
