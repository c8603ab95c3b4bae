//! The oracle: items and categories in maps, and the effect of each command on them, one after the
//! other.

mod actor_share;
mod confidence;
mod formula;
mod local;

use std::collections::{BTreeMap, BTreeSet};

use ee_core::command::{
    Assignment, CategoryPut, Command, ItemCategory, ItemPut, PartPut, Put, Rejection, Unassigned,
    Unassignment,
};
use ee_core::settings::{CategorySettings, MembershipMode, Metadata, RankingSettings};

pub(crate) use formula::Number;
pub(crate) use local::Placed;

/// The oracle's result of a command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    Profile,
    Put(Vec<Put>),
    DeletedCategories { deleted: u64, unassigned: u64 },
    Reanchored,
    Renamed { changed: bool },
    Merged(Merged),
    Dismissed(Vec<bool>),
    DeletedItems(u64),
    Assigned(Vec<Assigned>),
    Unassigned(Vec<Unassigned>),
}

/// The oracle's result of a merge.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Merged {
    /// Key, members, moved members, cosine with the target.
    pub(crate) sources: Vec<(String, u64, u64, Number)>,
    pub(crate) drift_before: Number,
}

/// The oracle's result of an assignment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assigned {
    pub(crate) previous: Option<String>,
    pub(crate) changed: bool,
    pub(crate) score_before: Number,
    pub(crate) count: u64,
    pub(crate) drift: Number,
    pub(crate) created: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct ModelItem {
    weight: f32,
    embedding: Vec<f32>,
    metadata: Metadata,
    /// Weights of parts, by key.
    parts: BTreeMap<String, f32>,
}

/// A category of the oracle.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ModelCategory {
    pub(crate) settings: CategorySettings,
    pub(crate) base: Option<Vec<f32>>,
    pub(crate) metadata: Metadata,
    pub(crate) anchor: u64,
    /// Place in the order of assignment, and the item's key.
    pub(crate) members: BTreeMap<u64, String>,
}

/// The oracle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    single: bool,
    next: u64,
    items: BTreeMap<String, ModelItem>,
    /// The actor of the next command.
    pub(crate) actor: String,
    /// The actor of each place in the order of assignment.
    actors: BTreeMap<u64, String>,
    pub(crate) categories: BTreeMap<String, ModelCategory>,
    /// Items and the categories that they are dismissed from.
    pub(crate) dismissed: BTreeSet<(String, String)>,
    pub(crate) description: String,
    pub(crate) labels: Metadata,
    pub(crate) ranking: RankingSettings,
}

impl Model {
    pub(crate) fn new(membership: MembershipMode) -> Self {
        Self {
            single: membership == MembershipMode::Single,
            next: 1,
            items: BTreeMap::new(),
            actor: String::new(),
            actors: BTreeMap::new(),
            categories: BTreeMap::new(),
            dismissed: BTreeSet::new(),
            description: String::new(),
            labels: Metadata::new(),
            ranking: RankingSettings::default(),
        }
    }

    /// (categories, items, memberships)
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let members = self.categories.values().map(|c| c.members.len() as u64);
        (
            self.categories.len() as u64,
            self.items.len() as u64,
            members.sum(),
        )
    }

    /// Applies a command, or changes nothing.
    pub(crate) fn apply(&mut self, command: &Command) -> Result<Expected, Rejection> {
        let mut next = self.clone();
        let expected = next.attempt(command)?;
        next.follow()?;
        *self = next;
        Ok(expected)
    }

    fn attempt(&mut self, command: &Command) -> Result<Expected, Rejection> {
        Ok(match command {
            Command::UpdateProfile(update) => {
                if let Some(description) = &update.description {
                    self.description.clone_from(description);
                }
                if let Some(labels) = &update.labels {
                    self.labels.clone_from(labels);
                }
                if let Some(mode) = update.ranking {
                    (self.ranking.mode, self.ranking.fairness) = (mode, None);
                }
                if update.fairness.is_some() {
                    self.ranking.fairness = update.fairness;
                }
                Expected::Profile
            }
            Command::PutCategories(puts) => Expected::Put(self.put_categories(puts)?),
            Command::DeleteCategories {
                keys,
                allow_missing,
            } => {
                let (mut deleted, mut unassigned) = (0, 0);
                for (index, key) in keys.iter().enumerate() {
                    match self.categories.remove(key) {
                        Some(category) => {
                            self.dismissed.retain(|(_, own)| own != key);
                            deleted += 1;
                            unassigned += category.members.len() as u64;
                        }
                        None if *allow_missing || keys[..index].contains(key) => {}
                        None => return Err(no_category(index, key)),
                    }
                }
                Expected::DeletedCategories {
                    deleted,
                    unassigned,
                }
            }
            Command::Reanchor { key, keep_last } => {
                let Some(category) = self.categories.get_mut(key) else {
                    return Err(no_category(0, key));
                };
                let behind = category.members.keys().rev().nth(*keep_last as usize);
                category.anchor = behind.copied().unwrap_or(0);
                Expected::Reanchored
            }
            Command::RenameCategory { key, new_key } => {
                if !self.categories.contains_key(key) {
                    return Err(no_category(0, key));
                }
                let changed = key != new_key;
                if changed && self.categories.contains_key(new_key) {
                    let key = new_key.clone();
                    return Err(Rejection::CategoryExists { key });
                }
                let category = self.categories.remove(key).expect("as before");
                self.categories.insert(new_key.clone(), category);
                for item in self.dismissed_from(key) {
                    self.dismissed.insert((item, new_key.clone()));
                }
                Expected::Renamed { changed }
            }
            Command::MergeCategories { sources, target } => {
                Expected::Merged(self.merge(sources, target)?)
            }
            Command::PutItems(puts) => {
                let mut outcomes = Vec::new();
                for (index, put) in puts.iter().enumerate() {
                    agree(index, put, puts[..index].iter())?;
                    let (created, changed) = self.put_item(index, put)?;
                    let key = put.key.clone();
                    outcomes.push(Put {
                        key,
                        created,
                        changed,
                    });
                }
                Expected::Put(outcomes)
            }
            Command::DeleteItems {
                keys,
                allow_missing,
            } => {
                let mut deleted = 0;
                for (index, key) in keys.iter().enumerate() {
                    match self.items.remove(key) {
                        Some(_) => {
                            deleted += 1;
                            self.forget(key);
                            self.leave_all(key);
                        }
                        None if *allow_missing || keys[..index].contains(key) => {}
                        None => return Err(no_item(index, key)),
                    }
                }
                Expected::DeletedItems(deleted)
            }
            Command::Assign(entries) => Expected::Assigned(self.assign(entries)?),
            Command::Unassign(entries) => Expected::Unassigned(self.unassign(entries)?),
            Command::Dismiss { pairs, withdraw } => {
                let mut changed = Vec::new();
                for (index, ItemCategory { item, category }) in pairs.iter().enumerate() {
                    if !self.items.contains_key(item) {
                        return Err(no_item(index, item));
                    }
                    if !self.categories.contains_key(category) {
                        return Err(no_category(index, category));
                    }
                    let pair = (item.clone(), category.clone());
                    if *withdraw {
                        changed.push(self.dismissed.remove(&pair));
                        continue;
                    }
                    if self.places(item).contains(category) {
                        let (item, category) = pair;
                        return Err(Rejection::ItemInCategory {
                            index,
                            item,
                            category,
                        });
                    }
                    changed.push(self.dismissed.insert(pair));
                }
                Expected::Dismissed(changed)
            }
            Command::Undo(_) => {
                unreachable!("undo.rs compares it with a namespace without the changes")
            }
        })
    }

    fn merge(&mut self, sources: &[String], target: &str) -> Result<Merged, Rejection> {
        if !self.categories.contains_key(target) {
            let key = target.to_owned();
            return Err(Rejection::TargetNotFound { key });
        }
        let drift_before = self.drift(target);
        let mut merged = Vec::new();
        for (index, key) in sources.iter().enumerate() {
            if sources[..index].contains(key) {
                continue;
            }
            if key == target {
                let key = key.clone();
                return Err(Rejection::MergeIntoItself { index, key });
            }
            if !self.categories.contains_key(key) {
                return Err(no_category(index, key));
            }
            let members = self.categories[key].members.len() as u64;
            merged.push((key.clone(), members, 0, self.likeness(key, target)));
        }
        for (key, _, moved, _) in &mut merged {
            let source = self.categories.remove(key).expect("as before");
            let members = &mut self.categories.get_mut(target).expect("as before").members;
            for (place, item) in source.members {
                let own = members.iter().find(|(_, member)| **member == item);
                let own = own.map(|(&place, _)| place);
                if own.is_none_or(|own| place < own) {
                    own.map(|own| members.remove(&own));
                    self.dismissed.remove(&(item.clone(), target.to_owned()));
                    members.insert(place, item);
                }
                *moved += u64::from(own.is_none());
            }
            for item in self.dismissed_from(key) {
                if !self.places(&item).iter().any(|own| own == target) {
                    self.dismissed.insert((item, target.to_owned()));
                }
            }
        }
        Ok(Merged {
            sources: merged,
            drift_before,
        })
    }

    fn put_categories(&mut self, puts: &[CategoryPut]) -> Result<Vec<Put>, Rejection> {
        let mut outcomes = Vec::new();
        for (index, put) in puts.iter().enumerate() {
            if let Some(first) = puts[..index].iter().position(|p| p.key == put.key)
                && puts[first] != *put
            {
                return Err(contradiction(index, first, &put.key));
            }
            let before = self.categories.get(&put.key).cloned();
            let mut after = before.clone().unwrap_or_default();
            let settings = &mut after.settings;
            settings.base_weight = put.base_weight.unwrap_or(settings.base_weight);
            settings.window = put.window.unwrap_or(settings.window);
            settings.min_base_share = put.min_base_share.unwrap_or(settings.min_base_share);
            settings.frozen = put.frozen.unwrap_or(settings.frozen);
            settings.min_score = put.min_score.unwrap_or(settings.min_score);
            let cap = &mut settings.max_actor_share;
            *cap = put.max_actor_share.unwrap_or(*cap);
            after.base = put.base.clone().unwrap_or(after.base);
            after.metadata = put.metadata.clone().unwrap_or(after.metadata);
            outcomes.push(Put {
                key: put.key.clone(),
                created: before.is_none(),
                changed: before.as_ref() != Some(&after),
            });
            self.categories.insert(put.key.clone(), after);
        }
        Ok(outcomes)
    }

    /// Ends the dismissals of a deleted item, and takes it out of its composites.
    fn forget(&mut self, item: &str) {
        self.dismissed.retain(|(own, _)| own != item);
        for own in self.items.values_mut() {
            own.parts.remove(item);
        }
    }

    /// The embedding that an entry gives to its item: its own, or that of its parts.
    fn told(&self, index: usize, put: &ItemPut) -> Result<Option<Vec<f32>>, Rejection> {
        let item = || put.key.clone();
        let Some(parts) = &put.parts else {
            return Ok(put.embedding.clone());
        };
        let mut composites = self.items.iter();
        if let Some((composite, _)) = composites.find(|(_, own)| own.parts.contains_key(&put.key)) {
            let (item, composite) = (item(), composite.clone());
            return Err(Rejection::CompositeIsPart {
                index,
                item,
                composite,
            });
        }
        for (part, PartPut { item: key, .. }) in parts.iter().enumerate() {
            let (item, key) = (item(), key.clone());
            if key == put.key {
                return Err(Rejection::PartOfItself { index, part, item });
            }
            match self.items.get(&key) {
                None => {
                    return Err(Rejection::PartNotFound {
                        index,
                        part,
                        item,
                        key,
                    });
                }
                Some(own) if !own.parts.is_empty() => {
                    return Err(Rejection::PartIsComposite {
                        index,
                        part,
                        item,
                        key,
                    });
                }
                Some(_) => {}
            }
        }
        let parts = parts.iter().map(|own| (&own.item, own.weight));
        self.parts_mean(&put.key, parts).map(Some)
    }

    /// The mean of parts of an item.
    fn parts_mean<'a>(
        &self,
        item: &str,
        parts: impl Iterator<Item = (&'a String, f32)>,
    ) -> Result<Vec<f32>, Rejection> {
        let (mut sum, mut weights) = (vec![0.0; 3], 0.0);
        for (key, weight) in parts {
            let weight = f64::from(weight);
            weights += weight;
            for (total, &x) in sum.iter_mut().zip(&self.items[key].embedding) {
                *total += weight * f64::from(x);
            }
        }
        let mean: Vec<f64> = sum.iter().map(|total| total / weights).collect();
        if mean.iter().map(|x| x * x).sum::<f64>().sqrt() < 1e-4 {
            let (item, reason) = (item.to_owned(), String::new());
            return Err(Rejection::DegenerateComposite { item, reason });
        }
        Ok(mean.into_iter().map(|x| x as f32 + 0.0).collect())
    }

    /// Gives composites the means of their parts, at the end of a command.
    fn follow(&mut self) -> Result<(), Rejection> {
        let composites = self.items.iter().filter(|(_, own)| !own.parts.is_empty());
        let means = composites.map(|(key, own)| {
            let parts = own.parts.iter().map(|(key, &weight)| (key, weight));
            Ok::<_, Rejection>((key.clone(), self.parts_mean(key, parts)?))
        });
        for (key, mean) in means.collect::<Result<Vec<_>, _>>()? {
            self.items.get_mut(&key).expect("as before").embedding = mean;
        }
        Ok(())
    }

    fn put_item(&mut self, index: usize, put: &ItemPut) -> Result<(bool, bool), Rejection> {
        let before = self.items.get(&put.key).cloned();
        let told = self.told(index, put)?;
        let mut after = match (&before, &told) {
            (Some(before), _) => before.clone(),
            (None, Some(embedding)) => ModelItem {
                weight: 1.0,
                embedding: embedding.clone(),
                metadata: Metadata::new(),
                parts: BTreeMap::new(),
            },
            (None, None) => {
                let key = put.key.clone();
                return Err(Rejection::EmbeddingNeeded { index, key });
            }
        };
        after.weight = put.weight.unwrap_or(after.weight);
        if let Some(embedding) = told {
            let parts = put.parts.iter().flatten();
            after.parts = parts.map(|own| (own.item.clone(), own.weight)).collect();
            after.embedding = embedding;
        }
        after.metadata = put.metadata.clone().unwrap_or(after.metadata);
        let changed = before.as_ref() != Some(&after);
        self.items.insert(put.key.clone(), after);
        Ok((before.is_none(), changed))
    }

    fn assign(&mut self, entries: &[Assignment]) -> Result<Vec<Assigned>, Rejection> {
        let mut outcomes = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let (key, to) = (&entry.item.key, &entry.category);
            agree(index, &entry.item, entries[..index].iter().map(|e| &e.item))?;
            if self.single {
                let elsewhere = |e: &Assignment| e.item.key == *key && e.category != *to;
                if let Some(first) = entries[..index].iter().position(elsewhere) {
                    return Err(contradiction(index, first, key));
                }
            }
            if !self.categories.contains_key(to) {
                return Err(no_category(index, to));
            }
            let told = self.told(index, &entry.item)?;
            let mut asked = told.as_deref();
            asked = asked.or(self.items.get(key).map(|item| item.embedding.as_slice()));
            let score_before = asked.map_or(Number::None, |asked| self.score(asked, to));
            let (created, updated) = self.put_item(index, &entry.item)?;
            let already = self.places(key).contains(to);
            let mut previous = already.then(|| to.clone());
            if !already {
                if self.single {
                    previous = self.leave_all(key).pop();
                }
                let category = self.categories.get_mut(to).expect("as before");
                category.members.insert(self.next, key.clone());
                self.actors.insert(self.next, self.actor.clone());
                self.next += 1;
                self.dismissed.remove(&(key.clone(), to.clone()));
            }
            outcomes.push(Assigned {
                previous,
                changed: updated || !already,
                score_before,
                count: self.categories[to].members.len() as u64,
                drift: self.drift(to),
                created,
            });
        }
        Ok(outcomes)
    }

    fn unassign(&mut self, entries: &[Unassignment]) -> Result<Vec<Unassigned>, Rejection> {
        // The fields on which entries of one item must agree.
        let says = |e: &Unassignment| match (&e.category, e.delete_item) {
            (_, true) => "deleted".to_owned(),
            (None, _) => "nowhere".to_owned(),
            (Some(category), _) if self.single => format!("out of {category}"),
            (Some(_), _) => "out of some".to_owned(),
        };
        let said: Vec<String> = entries.iter().map(says).collect();
        let mut outcomes = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let key = &entry.item;
            let first = entries[..index].iter().position(|e| e.item == *key);
            if let Some(first) = first.filter(|&first| said[first] != said[index]) {
                return Err(contradiction(index, first, key));
            }
            let again = entry.delete_item && first.is_some();
            if !self.items.contains_key(key) && !again {
                return Err(no_item(index, key));
            }
            let previous = match &entry.category {
                Some(category) if !entry.delete_item => {
                    let Some(category_now) = self.categories.get_mut(category) else {
                        return Err(no_category(index, category));
                    };
                    let count = category_now.members.len();
                    category_now.members.retain(|_, member| member != key);
                    let left = category_now.members.len() < count;
                    left.then(|| category.clone()).into_iter().collect()
                }
                _ => self.leave_all(key),
            };
            if entry.delete_item {
                self.items.remove(key);
                self.forget(key);
            }
            outcomes.push(Unassigned {
                item: key.clone(),
                changed: !again && (entry.delete_item || !previous.is_empty()),
                item_deleted: entry.delete_item,
                previous,
            });
        }
        Ok(outcomes)
    }

    /// Ends the dismissals from a category; returns their items.
    fn dismissed_from(&mut self, category: &str) -> Vec<String> {
        let all = self.dismissed.iter();
        let from: Vec<String> = all
            .filter(|(_, own)| own == category)
            .map(|(item, _)| item.clone())
            .collect();
        self.dismissed.retain(|(_, own)| own != category);
        from
    }

    /// The categories of an item, in the order in which it joined them.
    fn places(&self, item: &str) -> Vec<String> {
        let mut places: Vec<(u64, &String)> = Vec::new();
        for (key, category) in &self.categories {
            let here = category.members.iter().filter(|(_, m)| *m == item);
            places.extend(here.map(|(&sequence, _)| (sequence, key)));
        }
        places.sort();
        places.into_iter().map(|(_, key)| key.clone()).collect()
    }

    fn leave_all(&mut self, item: &str) -> Vec<String> {
        let places = self.places(item);
        for category in self.categories.values_mut() {
            category.members.retain(|_, member| member != item);
        }
        places
    }
}

/// Whether earlier entries set the same values for an item as entry `index`.
fn agree<'a>(
    index: usize,
    put: &ItemPut,
    earlier: impl Iterator<Item = &'a ItemPut>,
) -> Result<(), Rejection> {
    let same_item = earlier.enumerate().filter(|(_, e)| e.key == put.key);
    let same_item: Vec<(usize, &ItemPut)> = same_item.collect();
    let first = |differs: &dyn Fn(&ItemPut) -> bool| {
        let found = same_item.iter().find(|(_, e)| differs(e));
        found.map(|&(first, _)| first)
    };
    let source = |e: &ItemPut| {
        let (embedding, parts) = (e.embedding.clone(), e.parts.clone());
        (embedding.is_some() || parts.is_some()).then_some((embedding, parts))
    };
    let first = first(&|e| both_say(&source(e), &source(put)))
        .or(first(&|e| both_say(&e.weight, &put.weight)))
        .or(first(&|e| both_say(&e.metadata, &put.metadata)));
    match first {
        Some(first) => Err(contradiction(index, first, &put.key)),
        None => Ok(()),
    }
}

/// Whether both set a value, and not the same one.
fn both_say<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
    a.is_some() && b.is_some() && a != b
}

fn no_category(index: usize, key: &str) -> Rejection {
    let key = key.to_owned();
    Rejection::CategoryNotFound { index, key }
}

fn no_item(index: usize, key: &str) -> Rejection {
    let key = key.to_owned();
    Rejection::ItemNotFound { index, key }
}

fn contradiction(index: usize, first: usize, key: &str) -> Rejection {
    let key = key.to_owned();
    Rejection::ConflictingEntries { index, first, key }
}
