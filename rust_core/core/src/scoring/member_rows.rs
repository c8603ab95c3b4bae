//! The members of a category as rows, for LOCAL: the nearest of them speak too.
//!
//! Members whose unit copies are equal share a row. For kernel ridge regression equal rows with
//! the same target are exactly one row that weighs what they weigh together, so nothing is lost,
//! and the places of the nearest go to members of different content. The key of a row is the first
//! of its members' keys.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHasher};

use super::actor_share::ActorCap;
use crate::arithmetic::fixed::WeightSum;
use crate::arithmetic::limits::MAX_NEIGHBOURS;
use crate::arithmetic::vector;
use crate::ranking::{RowRef, Rows, UnitRow};

/// A counting member, as it joins.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// Its place in the order of assignment.
    pub sequence: u64,
    /// The item's key.
    pub key: Arc<str>,
    /// The item's weight.
    pub weight: f32,
    length: f64,
    row: UnitRow,
    hash: u64,
    /// The actor of its assignment, in a category that caps the share of an actor.
    actor: Option<Arc<str>>,
}

impl MemberRow {
    /// Prepares a member.
    pub fn new(sequence: u64, key: &str, weight: f32, embedding: &[f32]) -> Self {
        let unit = vector::unit_copy(embedding);
        let mut hasher = FxHasher::default();
        bytemuck::cast_slice::<f32, u32>(&unit).hash(&mut hasher);
        Self {
            sequence,
            key: key.into(),
            weight,
            length: vector::norm(embedding),
            row: UnitRow::from_unit(&unit),
            hash: hasher.finish(),
            actor: None,
        }
    }

    /// The same member, assigned by an actor.
    #[must_use]
    pub fn of_actor(self, actor: &str) -> Self {
        Self {
            actor: Some(Arc::from(actor)),
            ..self
        }
    }
}

/// A change of a category's counting members.
#[derive(Clone, Debug)]
pub enum MemberChange {
    /// One counts that did not.
    Joined(Arc<MemberRow>),
    /// The one with this place in the order of assignment does not count any more.
    Left(u64),
}

/// A member, apart from its row.
#[derive(Debug)]
struct Member {
    key: Arc<str>,
    weight: f32,
    slot: u32,
    /// That of its embedding, of which the row is the unit copy.
    length: f64,
}

/// A member that is looked at without its category.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaving<'a> {
    /// The unit copy of its embedding.
    pub(crate) row: RowRef<'a>,
    /// The norm of its embedding.
    pub(crate) length: f64,
    pub(crate) weight: f32,
    /// The actor of its assignment; empty in a category without a cap on the share of an actor.
    pub(crate) actor: &'a str,
}

/// What is known of a row.
#[derive(Debug)]
struct Shared {
    hash: u64,
    /// Places in the order of assignment of the members that share it.
    sequences: Vec<u64>,
    /// The first of their keys, and what they weigh together: a query asks for both.
    key: Arc<str>,
    weight: WeightSum,
}

/// Rows of the newest counting members of a category, at most [`MAX_NEIGHBOURS`] of them.
#[derive(Debug)]
pub struct MemberRows {
    members: BTreeMap<u64, Member>,
    /// Counting members with smaller sequences may not be here: once rows that were full have lost a
    /// member, one that is older than all of them is not the newest of the others.
    from: u64,
    rows: Rows,
    shared: Vec<Shared>,
    by_hash: FxHashMap<u64, Vec<u32>>,
    /// By place in the order of assignment, in a category that caps the share of an actor.
    actors: FxHashMap<u64, Arc<str>>,
    key_bytes: usize,
}

impl MemberRows {
    /// No members, of vectors of `dimension` components.
    pub fn new(dimension: usize) -> Self {
        Self {
            members: BTreeMap::new(),
            from: 0,
            rows: Rows::new(dimension),
            shared: Vec::new(),
            by_hash: FxHashMap::default(),
            actors: FxHashMap::default(),
            key_bytes: 0,
        }
    }

    /// No members, with memory for so many rows: rows that grow one after another leave as much behind
    /// in the allocator as they take.
    pub fn with_room(dimension: usize, rows: usize) -> Self {
        let mut empty = Self::new(dimension);
        empty.rows.expect(rows);
        empty
    }

    /// Whether these are all that can be neighbours in a category with so many counting members.
    pub fn are_complete(&self, counting: u64) -> bool {
        self.members.len() as u64 == counting.min(MAX_NEIGHBOURS as u64)
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Follows a change. Where a member leaves that an older one could take the place of, these are
    /// not complete any more.
    pub fn apply(&mut self, change: &MemberChange) {
        match change {
            MemberChange::Joined(member) => self.join(member),
            MemberChange::Left(sequence) => self.leave(*sequence),
        }
    }

    /// Takes a member in, if it is among the newest.
    pub fn join(&mut self, member: &MemberRow) {
        if member.sequence < self.from {
            return;
        }
        if self.members.len() == MAX_NEIGHBOURS {
            let (&oldest, _) = self.members.first_key_value().expect("it is full");
            if member.sequence < oldest {
                return;
            }
            self.leave(oldest);
        }
        let slot = self.find(member).unwrap_or_else(|| self.push(member));
        let shared = &mut self.shared[slot as usize];
        shared.sequences.push(member.sequence);
        shared.weight = shared.weight.plus(member.weight);
        if member.key < shared.key {
            shared.key = Arc::clone(&member.key);
        }
        self.key_bytes += member.key.len();
        let new = Member {
            key: Arc::clone(&member.key),
            weight: member.weight,
            slot,
            length: member.length,
        };
        self.members.insert(member.sequence, new);
        if let Some(actor) = &member.actor {
            self.actors.insert(member.sequence, Arc::clone(actor));
        }
    }

    /// Takes a member out, if it is here.
    fn leave(&mut self, sequence: u64) {
        if self.members.len() == MAX_NEIGHBOURS {
            let (&oldest, _) = self.members.first_key_value().expect("it is full");
            self.from = oldest;
        }
        let Some(Member {
            key, weight, slot, ..
        }) = self.members.remove(&sequence)
        else {
            return;
        };
        self.key_bytes -= key.len();
        self.actors.remove(&sequence);
        let shared = &mut self.shared[slot as usize];
        shared.sequences.retain(|&own| own != sequence);
        shared.weight = shared.weight.minus(weight);
        if shared.sequences.is_empty() {
            self.remove(slot);
        } else if shared.key == key {
            let keys = shared.sequences.iter().map(|own| &self.members[own].key);
            shared.key = Arc::clone(keys.min().expect("it is shared"));
        }
    }

    fn find(&self, member: &MemberRow) -> Option<u32> {
        let slots = self.by_hash.get(&member.hash)?;
        let row = member.row.as_ref();
        let same = |&&slot: &&u32| self.rows.get(slot).is_some_and(|own| own.equals(row));
        slots.iter().find(same).copied()
    }

    fn push(&mut self, member: &MemberRow) -> u32 {
        let slot = self.rows.push();
        self.rows.set(slot, Some(&member.row));
        self.by_hash.entry(member.hash).or_default().push(slot);
        self.shared.push(Shared {
            hash: member.hash,
            sequences: Vec::new(),
            key: Arc::clone(&member.key),
            weight: WeightSum::default(),
        });
        slot
    }

    /// Takes a row out; the last one moves into its place.
    fn remove(&mut self, slot: u32) {
        let gone = self.shared.swap_remove(slot as usize);
        self.rows.swap_remove(slot);
        self.forget_hash(gone.hash, slot);
        let last = self.shared.len() as u32;
        if slot != last {
            let moved = &self.shared[slot as usize];
            for sequence in &moved.sequences {
                self.members
                    .get_mut(sequence)
                    .expect("it has this row")
                    .slot = slot;
            }
            let hash = moved.hash;
            self.forget_hash(hash, last);
            self.by_hash.entry(hash).or_default().push(slot);
        }
    }

    fn forget_hash(&mut self, hash: u64, slot: u32) {
        let slots = self.by_hash.get_mut(&hash).expect("it has a row");
        slots.retain(|&own| own != slot);
        if slots.is_empty() {
            self.by_hash.remove(&hash);
        }
    }

    /// The rows.
    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The key of a row.
    pub(crate) fn key(&self, slot: u32) -> &Arc<str> {
        &self.shared[slot as usize].key
    }

    /// What the members that share a row weigh together, under a cap on the share of an actor.
    pub(crate) fn weight(&self, slot: u32, cap: Option<&ActorCap>) -> f64 {
        let shared = &self.shared[slot as usize];
        let Some(cap) = cap else {
            return shared.weight.to_f64();
        };
        // Exact sums, in order of name: the same whatever order the members came in.
        let mut weights: BTreeMap<&str, WeightSum> = BTreeMap::new();
        for sequence in &shared.sequences {
            let own = weights.entry(self.actor(*sequence)).or_default();
            *own = own.plus(self.members[sequence].weight);
        }
        let scaled = weights
            .into_iter()
            .map(|(actor, own)| cap.scaled(actor, own));
        scaled.sum()
    }

    fn actor(&self, sequence: u64) -> &str {
        self.actors.get(&sequence).map_or("", |actor| actor)
    }

    /// The members, the earliest assigned first.
    pub(crate) fn leaving(&self) -> impl Iterator<Item = Leaving<'_>> {
        self.members.iter().map(|(&sequence, member)| Leaving {
            actor: self.actor(sequence),
            row: self.rows.get(member.slot).expect("it has a row"),
            length: member.length,
            weight: member.weight,
        })
    }

    /// Bytes held, up to small change.
    pub fn memory_bytes(&self) -> usize {
        // An entry of the tree and of the index, and what is allocated around a key and a list.
        const MEMBER: usize = size_of::<(u64, Member)>() + 2 * size_of::<usize>();
        const ROW: usize = 4 * size_of::<usize>() + 48;
        self.rows.memory_bytes()
            + self.shared.capacity() * size_of::<Shared>()
            + self.members.len() * (MEMBER + 8)
            + self.shared.len() * ROW
            + self.actors.capacity() * size_of::<(u64, Arc<str>)>()
            + self.key_bytes
            + size_of::<Self>()
    }
}
