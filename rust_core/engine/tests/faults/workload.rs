//! Operations that change the world, one of which makes one revision.

use std::collections::BTreeMap;

use ee_core::command::{
    Assignment, CategoryPut, Command, ItemPut, PartPut, ProfileUpdate, Unassignment,
};
use ee_core::settings::{HistoryKeep, MembershipMode};
use ee_engine::{Engine, Result, TrimBound, WriteContext};

use crate::common::{new_namespace, vector};
use crate::model::{CATEGORIES, COMPOSITES, Item, PLAIN, Space, World, copy};
use crate::random::Random;

/// An operation.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Create(String),
    Delete(String),
    /// From, to.
    Copy(String, String),
    /// Trims a history to so many revisions.
    Trim(String, u64),
    Write(String, Write),
}

/// A write in a namespace. `seed` is new each time, so that it changes something.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Categories,
    /// Keeps so many revisions of the history, of so many seconds.
    Keep(u64, u64),
    /// Gives a category a window, or another one.
    Window(u64, u32),
    Put {
        item: u64,
        seed: u64,
        weight: f32,
    },
    Assign {
        item: u64,
        seed: u64,
        category: u64,
    },
    Unassign {
        item: u64,
        delete: bool,
    },
    /// Makes an item of others, all of the same weight, and assigns it.
    Compose {
        item: u64,
        parts: Vec<u64>,
        weight: f32,
        category: u64,
    },
}

impl Op {
    /// What it does to the world, if it is done.
    pub(crate) fn apply(&self, world: &mut World) {
        match self {
            Self::Create(name) => {
                let space = Space {
                    revision: 1,
                    ..Space::default()
                };
                world.insert(name.clone(), space);
            }
            Self::Delete(name) => drop(world.remove(name)),
            Self::Trim(..) => {}
            Self::Copy(from, to) => {
                let mut space = world[from].clone();
                space.revision = 1;
                world.insert(to.clone(), space);
            }
            Self::Write(name, write) => {
                let space = world.get_mut(name).unwrap();
                space.revision += 1;
                write.apply(space);
            }
        }
    }

    /// Does it; an operation that is done again with the same id is done once.
    pub(crate) fn run(&self, engine: &Engine, id: u64) -> Result<()> {
        let context = WriteContext {
            actor: "tester".into(),
            request_id: format!("request-{id}"),
            fingerprint: id,
            ..WriteContext::default()
        };
        match self {
            Self::Create(name) => {
                let new = new_namespace(name, MembershipMode::Single);
                engine.create_namespace(new, context).map(drop)
            }
            Self::Delete(name) => engine.delete_namespace(name, true, context).map(drop),
            Self::Copy(from, to) => copy(engine, from, to),
            Self::Trim(name, keep) => {
                let namespace = engine.handle(name)?;
                let bound = TrimBound::Newest(*keep);
                engine.trim_history(&namespace, bound, context).map(drop)
            }
            Self::Write(name, write) => {
                let namespace = engine.handle(name)?;
                engine.write(&namespace, write.command(), context).map(drop)
            }
        }
    }
}

impl Write {
    fn apply(&self, space: &mut Space) {
        match *self {
            Self::Categories => space.categories = CATEGORIES,
            Self::Keep(..) | Self::Window(..) => {}
            Self::Put { item, seed, weight } => {
                let category = space.items.get(&item).and_then(|item| item.category);
                let stored = Item {
                    vector: vector(seed),
                    weight,
                    category,
                    parts: BTreeMap::new(),
                };
                space.items.insert(item, stored);
                space.follow();
            }
            Self::Assign {
                item,
                seed,
                category,
            } => {
                let weight = space.items.get(&item).map_or(1.0, |item| item.weight);
                let category = Some(category);
                let stored = Item {
                    vector: vector(seed),
                    weight,
                    category,
                    parts: BTreeMap::new(),
                };
                space.items.insert(item, stored);
                space.follow();
            }
            Self::Compose {
                item,
                ref parts,
                weight,
                category,
            } => {
                let stored = Item {
                    vector: Vec::new(),
                    weight: space.items.get(&item).map_or(1.0, |item| item.weight),
                    category: Some(category),
                    parts: parts.iter().map(|part| (*part, weight)).collect(),
                };
                space.items.insert(item, stored);
                space.follow();
            }
            Self::Unassign { item, delete: true } => space.delete(item),
            Self::Unassign { item, .. } => space.items.get_mut(&item).unwrap().category = None,
        }
    }

    fn command(&self) -> Command {
        let put = |item: u64, seed: u64, weight| ItemPut {
            key: format!("i{item}"),
            embedding: Some(vector(seed)),
            weight,
            ..ItemPut::default()
        };
        match *self {
            Self::Categories => {
                let category = |c| CategoryPut {
                    key: format!("c{c}"),
                    base: Some(Some(vector(1000 + c))),
                    ..CategoryPut::default()
                };
                Command::PutCategories((0..CATEGORIES).map(category).collect())
            }
            Self::Keep(revisions, seconds) => Command::UpdateProfile(ProfileUpdate {
                history_keep: Some(HistoryKeep {
                    revisions: Some(revisions),
                    seconds: Some(seconds),
                }),
                ..ProfileUpdate::default()
            }),
            Self::Window(category, window) => Command::PutCategories(vec![CategoryPut {
                key: format!("c{category}"),
                window: Some(window),
                ..CategoryPut::default()
            }]),
            Self::Put { item, seed, weight } => {
                Command::PutItems(vec![put(item, seed, Some(weight))])
            }
            Self::Assign {
                item,
                seed,
                category,
            } => Command::Assign(vec![Assignment {
                item: put(item, seed, None),
                category: format!("c{category}"),
            }]),
            Self::Compose {
                item,
                ref parts,
                weight,
                category,
            } => {
                let part = |part: &u64| PartPut {
                    item: format!("i{part}"),
                    weight,
                };
                Command::Assign(vec![Assignment {
                    item: ItemPut {
                        key: format!("i{item}"),
                        parts: Some(parts.iter().map(part).collect()),
                        ..ItemPut::default()
                    },
                    category: format!("c{category}"),
                }])
            }
            Self::Unassign { item, delete } => Command::Unassign(vec![Unassignment {
                item: format!("i{item}"),
                category: None,
                delete_item: delete,
                expected_category: None,
            }]),
        }
    }
}

/// A write that changes something in a namespace as it is. `serial` is new each time.
pub(crate) fn any_write(random: &mut Random, space: &Space, serial: u64) -> Write {
    let seed = 10_000 + serial;
    let item = random.below(PLAIN);
    let known: Vec<u64> = space.items.keys().copied().collect();
    let members = space.items.iter().filter(|(_, i)| i.category.is_some());
    let members: Vec<u64> = members.map(|(n, _)| *n).collect();
    let plain: Vec<u64> = known.iter().copied().filter(|own| *own < PLAIN).collect();
    match random.below(13) {
        11 | 12 if !plain.is_empty() => {
            let mut parts: Vec<u64> = (0..3).map(|_| random.pick(&plain)).collect();
            parts.sort_unstable();
            parts.dedup();
            Write::Compose {
                item: PLAIN + random.below(COMPOSITES),
                parts,
                weight: 1.0 + (serial % 8192) as f32 / 64.0,
                category: random.below(CATEGORIES),
            }
        }
        10 => Write::Keep(1 + random.below(20), 1_000_000 + serial),
        0 => Write::Window(random.below(CATEGORIES), 2 + serial as u32),
        1 | 2 => Write::Put {
            item,
            seed,
            weight: 1.0 + random.below(4) as f32,
        },
        3 if !members.is_empty() => Write::Unassign {
            item: random.pick(&members),
            delete: false,
        },
        4 if !known.is_empty() => Write::Unassign {
            item: random.pick(&known),
            delete: true,
        },
        _ => Write::Assign {
            item,
            seed,
            category: random.below(CATEGORIES),
        },
    }
}

/// Creates some namespaces with categories.
pub(crate) fn prepare(names: &[&str]) -> Vec<Op> {
    let made = names.iter().flat_map(|name| {
        [
            Op::Create((*name).into()),
            Op::Write((*name).into(), Write::Categories),
        ]
    });
    made.collect()
}

/// Random writes, in turn over some namespaces, after `ops`.
pub(crate) fn extend(ops: &mut Vec<Op>, names: &[&str], writes: u64, seed: u64) {
    let mut random = Random::new(seed);
    let mut world = world_after(ops);
    for n in 0..writes {
        let name = names[(n % names.len() as u64) as usize];
        let write = any_write(&mut random, &world[name], seed * 1000 + n);
        let op = Op::Write(name.into(), write);
        op.apply(&mut world);
        ops.push(op);
    }
}

/// The world after some operations.
pub(crate) fn world_after(ops: &[Op]) -> World {
    let mut world = World::new();
    ops.iter().for_each(|op| op.apply(&mut world));
    world
}
