//! The counting members of a category by the actor who has assigned them: exact sums of each.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::unit_correction::{Member, UnitCorrection};
use crate::arithmetic::digest::{RecordHash, RecordHasher, SetDigest};
use crate::arithmetic::fixed::{self, Overflow, WeightSum, WideSum};

/// The sums of the members of one actor.
#[derive(Clone, Debug, Default)]
pub struct ActorSum {
    /// Number of the members.
    pub count: u64,
    /// Σ wᵢ.
    pub weight: WeightSum,
    /// Σ wᵢ·xᵢ.
    pub sum: Vec<i64>,
    /// What the sum lacks to be that of unit copies.
    pub correction: UnitCorrection,
    /// The hash of the rest, once it was needed.
    hash: OnceLock<RecordHash>,
}

/// The corrections are derived, and known to some states and not to others.
impl PartialEq for ActorSum {
    fn eq(&self, other: &Self) -> bool {
        (self.count, self.weight, &self.sum) == (other.count, other.weight, &other.sum)
    }
}

impl ActorSum {
    /// The sums of so many members.
    pub fn new(count: u64, weight: WeightSum, sum: Vec<i64>, correction: UnitCorrection) -> Self {
        Self {
            count,
            weight,
            sum,
            correction,
            hash: OnceLock::new(),
        }
    }

    fn hash(&self, actor: &str) -> &RecordHash {
        self.hash.get_or_init(|| {
            RecordHasher::with_room("actor", size_of_val(&*self.sum))
                .bytes(actor.as_bytes())
                .bytes(&self.count.to_le_bytes())
                .bytes(&self.weight.to_le_bytes())
                .sum(&self.sum)
                .finish()
        })
    }
}

/// The sums of each actor's members. A copy shares them until one of the two changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActorSums(BTreeMap<Arc<str>, Arc<ActorSum>>);

impl ActorSums {
    /// The actors by name, and their sums.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &ActorSum)> {
        self.0.iter().map(|(actor, own)| (actor, &**own))
    }

    /// The sums of an actor who has members.
    pub fn get(&self, actor: &str) -> Option<&ActorSum> {
        self.0.get(actor).map(|own| &**own)
    }

    /// An actor who has members, and their sums.
    pub(crate) fn find(&self, actor: &str) -> Option<(&str, &ActorSum)> {
        let (actor, own) = self.0.get_key_value(actor)?;
        Some((actor, own))
    }

    /// The same sums, of an actor with another number of members and another weight; without the actor if
    /// no member is left.
    pub(crate) fn with_weight(&self, actor: &str, count: u64, weight: WeightSum) -> Self {
        let mut all = self.clone();
        if count == 0 {
            all.0.remove(actor);
        } else if let Some(own) = all.0.get_mut(actor) {
            let own = Arc::make_mut(own);
            (own.count, own.weight) = (count, weight);
            own.hash.take();
        }
        all
    }

    /// Number of the actors.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A member of an actor starts to count. On overflow nothing has changed.
    pub(crate) fn absorb(&mut self, actor: &str, member: Member<'_>) -> Result<(), Overflow> {
        let is_new = !self.0.contains_key(actor);
        let own = self.own(actor, member);
        let added = fixed::add(&mut own.sum, f64::from(member.weight), member.embedding);
        if added.is_ok() {
            own.count += 1;
            own.weight = own.weight.plus(member.weight);
        } else if is_new {
            self.0.remove(actor);
        }
        added
    }

    /// A member of an actor stops counting. On overflow nothing has changed.
    pub(crate) fn forget(&mut self, actor: &str, member: Member<'_>) -> Result<(), Overflow> {
        let own = self.own(actor, member);
        fixed::subtract(&mut own.sum, f64::from(member.weight), member.embedding)?;
        own.count -= 1;
        own.weight = own.weight.minus(member.weight);
        if own.count == 0 {
            self.0.remove(actor);
        }
        Ok(())
    }

    /// Follows a change of the members in the correction of their actor, if that still has members.
    pub(crate) fn follow(&mut self, actor: &str, member: Member<'_>, minus: bool, keep: bool) {
        if let Some(own) = self.0.get_mut(actor) {
            Arc::make_mut(own).correction.follow(member, minus, keep);
        }
    }

    /// Applies the effect of a log record again, in integers that may wrap on the way.
    pub(crate) fn replay(&mut self, actor: &str, member: Member<'_>, minus: bool, keep: bool) {
        let own = self.own(actor, member);
        let weight = f64::from(member.weight);
        fixed::replay(&mut own.sum, weight, member.embedding, minus);
        if minus {
            own.count = own.count.wrapping_sub(1);
            own.weight = own.weight.minus(member.weight);
        } else {
            own.count = own.count.wrapping_add(1);
            own.weight = own.weight.plus(member.weight);
        }
        own.correction.follow(member, minus, keep);
    }

    /// Drops actors without members, after the last replay.
    pub(crate) fn drop_empty(&mut self) {
        self.0.retain(|_, own| own.count != 0);
    }

    /// The sums after some members have left and others have joined.
    pub(crate) fn exchanged(&self, leaving: &Self, joining: &Self) -> Result<Self, Overflow> {
        let mut all = self.clone();
        for (actor, left) in leaving.iter() {
            all.combine(actor, left, true)?;
        }
        for (actor, joined) in joining.iter() {
            all.combine(actor, joined, false)?;
        }
        all.drop_empty();
        Ok(all)
    }

    fn combine(&mut self, actor: &Arc<str>, other: &ActorSum, minus: bool) -> Result<(), Overflow> {
        let own = Arc::make_mut(self.0.entry(Arc::clone(actor)).or_default());
        own.hash.take();
        own.correction = UnitCorrection::Unknown;
        own.sum.resize(other.sum.len(), 0);
        for (component, (total, &part)) in own.sum.iter_mut().zip(&other.sum).enumerate() {
            let next = match minus {
                true => total.checked_sub(part),
                false => total.checked_add(part),
            };
            *total = next.ok_or(Overflow { component })?;
        }
        if minus {
            own.count -= other.count;
            own.weight = own.weight.less(other.weight);
        } else {
            own.count += other.count;
            own.weight = own.weight.more(other.weight);
        }
        Ok(())
    }

    /// The same sums with these corrections.
    pub(crate) fn corrected(&self, corrections: &BTreeMap<Arc<str>, UnitCorrection>) -> Self {
        let mut all = self.clone();
        for (actor, own) in &mut all.0 {
            let known = corrections.get(actor).cloned();
            Arc::make_mut(own).correction = known.unwrap_or_default();
        }
        all
    }

    /// Whether all corrections are the same too.
    pub fn has_corrections_of(&self, other: &Self) -> bool {
        let corrections = |all: &Self| -> Vec<UnitCorrection> {
            all.iter().map(|(_, own)| own.correction.clone()).collect()
        };
        corrections(self) == corrections(other)
    }

    /// The digest of all of them.
    pub(crate) fn digest(&self) -> SetDigest {
        let mut digest = SetDigest::default();
        for (actor, own) in self.iter() {
            digest.insert(own.hash(actor));
        }
        digest
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        let own = |(actor, own): (&Arc<str>, &ActorSum)| {
            let vectors = size_of_val(&*own.sum) + own.correction.memory_bytes();
            actor.len() + vectors + size_of::<ActorSum>() + 64
        };
        self.iter().map(own).sum()
    }

    fn own(&mut self, actor: &str, member: Member<'_>) -> &mut ActorSum {
        if !self.0.contains_key(actor) {
            let sum = vec![0; member.embedding.len()];
            let new = ActorSum {
                sum,
                ..ActorSum::default()
            };
            self.0.insert(Arc::from(actor), Arc::new(new));
        }
        let own = Arc::make_mut(self.0.get_mut(actor).expect("it was just made sure of"));
        own.hash.take();
        own
    }
}

impl FromIterator<(Arc<str>, ActorSum)> for ActorSums {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, ActorSum)>>(sums: I) -> Self {
        let shared = sums.into_iter().map(|(actor, own)| (actor, Arc::new(own)));
        Self(shared.collect())
    }
}

/// The sums of each actor's members, built in any order: only the end must be in range.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActorBuild(BTreeMap<Arc<str>, ActorPart>);

#[derive(Clone, Debug)]
struct ActorPart {
    sum: WideSum,
    count: u64,
    weight: WeightSum,
    correction: UnitCorrection,
}

impl ActorBuild {
    /// Adds a member of an actor. `keep`: the correction is built too.
    pub(crate) fn add(&mut self, actor: &str, member: Member<'_>, keep: bool) {
        if !self.0.contains_key(actor) {
            let part = ActorPart {
                sum: WideSum::new(member.embedding.len()),
                count: 0,
                weight: WeightSum::default(),
                correction: UnitCorrection::Zero,
            };
            self.0.insert(Arc::from(actor), part);
        }
        let own = self.0.get_mut(actor).expect("it was just made sure of");
        own.sum.add(f64::from(member.weight), member.embedding);
        own.count += 1;
        own.weight = own.weight.plus(member.weight);
        own.correction.follow(member, false, keep);
    }

    /// What some of the members weigh under a cap.
    pub(crate) fn weights(&self) -> impl Iterator<Item = (&Arc<str>, WeightSum)> {
        self.0.iter().map(|(actor, own)| (actor, own.weight))
    }

    /// The sums.
    pub(crate) fn finish(self) -> Result<ActorSums, Overflow> {
        let finish = |(actor, own): (Arc<str>, ActorPart)| {
            let sum = own.sum.finish()?;
            Ok((
                actor,
                ActorSum::new(own.count, own.weight, sum, own.correction),
            ))
        };
        self.0.into_iter().map(finish).collect()
    }
}
