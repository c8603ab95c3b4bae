//! From the sum of a category's members to the sum of their unit copies.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::arithmetic::{fixed, vector};

/// A member whose length is this near to 1 is its own unit copy here. Vectors that were normalized in
/// f32 are; what fairness takes off a score changes by less than this.
const NEARLY_UNIT: f64 = 1.0 / 262_144.0;

/// What the sum of a category's counting members lacks to be the sum of their unit copies.
///
/// Only fairness asks for it, and only where members are not of length 1. To follow it costs a write
/// two more passes over a vector and a sum of its own, so a namespace whose own fairness is 0 does
/// not: there the first member of another length makes it unknown, until a query with a fairness of
/// its own has it built from the members. What is known is followed by each write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UnitCorrection {
    /// Nothing.
    #[default]
    Zero,
    /// These components, not all of them 0.
    Known(Arc<Vec<i64>>),
    /// To be built from the members.
    Unknown,
}

impl UnitCorrection {
    /// Whether it need not be built from the members.
    pub fn is_known(&self) -> bool {
        *self != Self::Unknown
    }

    /// Follows a member that starts to count (or, with `minus`, stops), in integers that may wrap on
    /// the way. `keep`: the namespace asks for it, so it stays known if it was.
    pub(crate) fn follow(&mut self, member: Member<'_>, minus: bool, keep: bool) {
        if (member.norm_squared.sqrt() - 1.0).abs() <= NEARLY_UNIT {
            return;
        }
        if *self == Self::Zero {
            *self = match keep {
                true => Self::Known(Arc::new(vec![0; member.embedding.len()])),
                false => Self::Unknown,
            };
        }
        let Self::Known(components) = self else {
            return;
        };
        let unit = vector::unit_copy(member.embedding);
        let (components, weight) = (Arc::make_mut(components), f64::from(member.weight));
        fixed::replay(components, weight, &unit, minus);
        fixed::replay(components, weight, member.embedding, !minus);
        if components.iter().all(|&component| component == 0) {
            *self = Self::Zero;
        }
    }

    /// Its components; `None` if they are 0, or not known.
    pub(crate) fn components(&self) -> Option<&[i64]> {
        match self {
            Self::Known(components) => Some(components),
            Self::Zero | Self::Unknown => None,
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.components().map_or(0, size_of_val)
    }
}

/// The corrections of a category and of each actor who has assigned some of its members.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitCorrections {
    pub(crate) whole: UnitCorrection,
    pub(crate) actors: BTreeMap<Arc<str>, UnitCorrection>,
}

impl UnitCorrections {
    /// That of the category.
    pub fn whole(&self) -> &UnitCorrection {
        &self.whole
    }

    /// Those of actors, by name.
    pub fn actors(&self) -> impl Iterator<Item = (&Arc<str>, &UnitCorrection)> {
        self.actors.iter()
    }

    /// Takes in a member that counts, and that this actor has assigned where that matters. The order of
    /// members does not.
    pub fn add(&mut self, weight: f32, embedding: &[f32], actor: Option<&str>) {
        let member = Member::new(weight, embedding);
        self.whole.follow(member, false, true);
        let Some(actor) = actor else {
            return;
        };
        match self.actors.get_mut(actor) {
            Some(own) => own.follow(member, false, true),
            None => {
                let mut own = UnitCorrection::Zero;
                own.follow(member, false, true);
                self.actors.insert(Arc::from(actor), own);
            }
        }
    }
}

/// A counting member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) weight: f32,
    pub(crate) embedding: &'a [f32],
    /// The square of the embedding's norm.
    pub(crate) norm_squared: f64,
}

impl<'a> Member<'a> {
    pub(crate) fn new(weight: f32, embedding: &'a [f32]) -> Self {
        Self {
            weight,
            embedding,
            norm_squared: vector::norm_squared(embedding),
        }
    }
}
