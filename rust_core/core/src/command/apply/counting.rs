//! Members joining and leaving, and which of them count.
//!
//! A member counts if its category is not frozen and its sequence is at least the category's
//! `counting_from`: one past the anchor, or further on where a window has moved it. A window moves
//! by one member at a time, found by its place in the order of assignment, so the cost does not
//! depend on the number of members.

use std::sync::Arc;

use super::{ApplyResult, Execution, WriteError};
use crate::arithmetic::limits::MAX_CAPPED_ACTORS;
use crate::command::record::{Change, Effect};
use crate::command::{MAX_REBUILD, Rejection, Store};
use crate::namespace::{CategoryDraft, Rebuild};
use crate::namespace::{Item, Membership, Origin, membership_hash};

/// Sequences are stored as signed 64-bit integers. A restore refuses those above 2^62, so this end is
/// 2^62 assignments away from every state; past it, members would be counted and not listed.
const END_OF_SEQUENCES: u64 = 1 << 63;

/// Members read at a time where all of them are needed.
const SCAN: usize = 512;

impl<S: Store + ?Sized> Execution<'_, S> {
    /// Adds an item to a category, as its newest member. `first`: the item leaves the inbox.
    pub(super) fn join(&mut self, item: &Item, key: &Arc<str>, first: bool) -> ApplyResult<(), S> {
        let sequence = self.draft.header.next_sequence;
        assert!(sequence < END_OF_SEQUENCES, "no sequence is left");
        self.draft.header.next_sequence = sequence + 1;

        let category = self.category(key).expect("the caller has found it");
        let settings = category.category.settings;
        if !settings.frozen {
            // The oldest member leaves first, so that a full window at the edge of the range still
            // turns.
            if settings.window > 0 && category.category.stats.counting >= u64::from(settings.window)
            {
                self.push_out_oldest(key)?;
            }
            let actor = &self.origin.actor;
            self.category(key)
                .expect("as before")
                .absorb(sequence, item, actor)?;
            self.check_actors(key)?;
        }
        let origin = self.origin.clone();
        self.begin_membership(item, key, sequence, origin, first)
    }

    /// Adds an item to a category at an earlier place in the order of assignment, with the origin that
    /// its assignment had. `first`: the item leaves the inbox.
    pub(super) fn rejoin(
        &mut self,
        item: &Item,
        key: &Arc<str>,
        sequence: u64,
        origin: &Origin,
        first: bool,
    ) -> ApplyResult<(), S> {
        let CategoryDraft { category, .. } = self.category(key).expect("the caller has found it");
        let window = u64::from(category.settings.window);
        let is_full = window > 0 && category.stats.counting >= window;
        let (anchor, from) = (category.anchor, category.counting_from);
        let mut counts = !category.settings.frozen && sequence > anchor;
        if counts && is_full {
            // An older member than all that fill the window does not count. Between the start of the
            // window and its oldest member there may be places that no member has.
            let (oldest, _) = self.oldest_counting(key)?;
            counts = sequence > oldest;
            if counts {
                self.push_out_oldest(key)?;
            } else {
                let draft = self.category(key).expect("as before");
                draft.category.counting_from = oldest;
            }
        } else if counts && sequence < from {
            let draft = self.category(key).expect("as before");
            draft.category.counting_from = sequence;
        }
        if counts {
            let draft = self.category(key).expect("as before");
            draft.absorb(sequence, item, &origin.actor)?;
            self.check_actors(key)?;
        }
        self.begin_membership(item, key, sequence, origin.clone(), first)
    }

    /// Begins a membership, after its effect on the sum.
    fn begin_membership(
        &mut self,
        item: &Item,
        key: &Arc<str>,
        sequence: u64,
        origin: Origin,
        first: bool,
    ) -> ApplyResult<(), S> {
        self.change_memberships(1)?;
        self.draft.header.memberships += 1;
        self.draft
            .header
            .item_records
            .insert(&membership_hash(&item.key, key));
        let category = self.category(key).expect("the caller has found it");
        category.category.stats.members += 1;
        category.touch();
        let (id, counts) = (category.category.id, category.category.counts(sequence));
        let actor = category.capped_actor(&origin.actor);
        self.effect(id, item.id, 1, i8::from(counts), actor);
        let membership = Membership {
            item: item.id,
            category: id,
            sequence,
            origin,
        };
        self.store
            .insert_membership(item, &membership, first)
            .map_err(WriteError::Store)?;
        self.changes.push(Change::Joined {
            item: item.key.clone(),
            category: Arc::clone(key),
        });
        Ok(())
    }

    /// Removes an item from a category. `last`: the item is in no other category.
    pub(super) fn leave(
        &mut self,
        item: &Item,
        membership: &Membership,
        last: bool,
    ) -> ApplyResult<Arc<str>, S> {
        let category = self.category_by_id(membership.category);
        let key = Arc::clone(&category.category.key);
        let counted = category.category.counts(membership.sequence);
        category.category.stats.members -= 1;
        category.touch();
        if counted {
            category.forget(membership.sequence, item, &membership.origin.actor)?;
        }
        let actor = category.capped_actor(&membership.origin.actor);
        self.effect(membership.category, item.id, -1, -i8::from(counted), actor);
        self.end_membership(item, membership, &key, last)?;
        if counted {
            self.readmit_newest(&key)?;
        }
        Ok(key)
    }

    /// Ends a membership, apart from its effect on the sum.
    pub(super) fn end_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        key: &Arc<str>,
        last: bool,
    ) -> ApplyResult<(), S> {
        self.change_memberships(1)?;
        self.draft.header.memberships -= 1;
        self.draft
            .header
            .item_records
            .remove(&membership_hash(&item.key, key));
        self.store
            .delete_membership(item, membership, last)
            .map_err(WriteError::Store)?;
        self.changes.push(Change::Left {
            item: item.key.clone(),
            category: Arc::clone(key),
            sequence: membership.sequence,
            origin: membership.origin.clone(),
        });
        Ok(())
    }

    /// Changes the sums of an item's categories to its new embedding or weight.
    ///
    /// `is_image`: `before` is the image that was kept. Otherwise two entries of a command have each
    /// changed a part of the item, and the state between them is in no log entry: it is added as
    /// "after" and removed as "after", so that the two cancel out whatever a replay takes for it.
    pub(super) fn replace(
        &mut self,
        before: &Item,
        after: &Item,
        is_image: bool,
        memberships: &[Membership],
    ) -> ApplyResult<(), S> {
        self.change_memberships(memberships.len() as u64)?;
        for membership in memberships {
            let category = self.category_by_id(membership.category);
            if category.category.counts(membership.sequence) {
                let actor = &membership.origin.actor;
                category.forget(membership.sequence, before, actor)?;
                category.absorb(membership.sequence, after, actor)?;
                let actor = category.capped_actor(actor);
                let effect = |counting, before| Effect {
                    category: membership.category,
                    item: after.id,
                    members: 0,
                    counting,
                    before,
                    actor: actor.clone(),
                };
                self.effects
                    .extend([effect(-1, is_image), effect(1, false)]);
            }
        }
        Ok(())
    }

    /// Rebuilds a category's sum, after its settings or anchor changed which members count.
    pub(super) fn rebuild(&mut self, key: &str) -> ApplyResult<(), S> {
        let draft = self.category(key).expect("the caller has found it");
        let mut rebuild = draft.start_rebuild();
        let category = &draft.category;
        let (id, settings, anchor) = (category.id, category.settings, category.anchor);
        let (members, by_actor) = (category.stats.members, category.actors.is_some());
        let from = match self.prepared {
            Some(prepared) if members > MAX_REBUILD => {
                let sum = prepared.sum(self.batch.header.revision, id);
                let sum = sum.filter(|sum| {
                    (sum.window, sum.frozen, sum.anchor, sum.by_actor)
                        == (settings.window, settings.frozen, anchor, by_actor)
                });
                let sum = sum.ok_or(WriteError::Unprepared)?;
                rebuild = sum.rebuild.clone();
                sum.counting_from
            }
            _ => {
                let from = first_that_counts(self.store, id, settings.window, anchor)?;
                if !settings.frozen {
                    self.add_members(&mut rebuild, id, from)?;
                }
                from
            }
        };
        let category = self.category(key).expect("as before");
        category.category.counting_from = from;
        category.rebuilt = true;
        category.set_rebuilt(rebuild)?;
        // Members that do not count were not read.
        category.category.stats.members = members;
        self.check_actors(key)?;
        Ok(())
    }

    /// Adds the members of a category with sequences ≥ `from`.
    fn add_members(&mut self, rebuild: &mut Rebuild, id: i64, from: u64) -> ApplyResult<(), S> {
        let mut next = from;
        loop {
            let members = self
                .store
                .members(id, next, SCAN)
                .map_err(WriteError::Store)?;
            for member in &members {
                let item = self
                    .store
                    .item_by_id(member.item)
                    .map_err(WriteError::Store)?;
                rebuild.absorb(item.weight, &item.embedding, &member.origin.actor);
            }
            match members.last() {
                Some(last) if members.len() == SCAN => next = last.sequence + 1,
                _ => return Ok(()),
            }
        }
    }

    fn push_out_oldest(&mut self, key: &Arc<str>) -> ApplyResult<(), S> {
        let (sequence, item) = self.oldest_counting(key)?;
        let item = self.store.item_by_id(item).map_err(WriteError::Store)?;
        let actor = self.capped_actor_of(key, sequence)?;
        let category = self.category(key).expect("as before");
        let id = category.category.id;
        category.forget(sequence, &item, actor.as_deref().unwrap_or_default())?;
        category.category.counting_from = sequence + 1;
        self.effect(id, item.id, 0, -1, actor);
        Ok(())
    }

    /// The oldest counting member of a full window: (sequence, item).
    fn oldest_counting(&mut self, key: &Arc<str>) -> ApplyResult<(u64, i64), S> {
        let CategoryDraft { category, .. } = self.category(key).expect("as before");
        let (id, from) = (category.id, category.counting_from);
        let oldest = self
            .store
            .oldest_member(id, from)
            .map_err(WriteError::Store)?;
        Ok(oldest.expect("a full window has an oldest member"))
    }

    /// After a counting member has left a window: the newest member outside the window counts again.
    fn readmit_newest(&mut self, key: &Arc<str>) -> ApplyResult<(), S> {
        let CategoryDraft { category, .. } = self.category(key).expect("as before");
        if category.settings.window == 0 {
            return Ok(());
        }
        let (id, anchor, from) = (category.id, category.anchor, category.counting_from);
        let newest = self.store.nth_newest_member(id, anchor, from, 0);
        if let Some((sequence, item)) = newest.map_err(WriteError::Store)? {
            let item = self.store.item_by_id(item).map_err(WriteError::Store)?;
            let actor = self.capped_actor_of(key, sequence)?;
            let category = self.category(key).expect("as before");
            category.absorb(sequence, &item, actor.as_deref().unwrap_or_default())?;
            category.category.counting_from = sequence;
            self.check_actors(key)?;
            self.effect(id, item.id, 0, 1, actor);
        }
        Ok(())
    }

    /// The actor of the member with a place in the order of assignment, if the category caps the share of
    /// an actor.
    fn capped_actor_of(&mut self, key: &str, sequence: u64) -> ApplyResult<Option<Arc<str>>, S> {
        let CategoryDraft { category, .. } = self.category(key).expect("the caller has found it");
        if category.actors.is_none() {
            return Ok(None);
        }
        let id = category.id;
        let found = self.store.members(id, sequence, 1);
        let found = found.map_err(WriteError::Store)?;
        let member = found.first().filter(|member| member.sequence == sequence);
        let member = member.expect("the store has just found it");
        Ok(Some(Arc::from(member.origin.actor.as_str())))
    }

    /// Refuses more actors than a category with a cap on their share keeps sums of.
    pub(super) fn check_actors(&mut self, key: &str) -> Result<(), Rejection> {
        let draft = self.category(key).expect("the caller has found it");
        let actors = draft.category.actors.as_ref().map_or(0, |own| own.len());
        if actors <= MAX_CAPPED_ACTORS {
            return Ok(());
        }
        let category = key.to_owned();
        Err(Rejection::TooManyActors { category, actors })
    }

    fn effect(
        &mut self,
        category: i64,
        item: i64,
        members: i8,
        counting: i8,
        actor: Option<Arc<str>>,
    ) {
        let before = !self.imaged.contains(&item);
        self.effects.push(Effect {
            category,
            item,
            members,
            counting,
            before,
            actor,
        });
    }
}

/// The sequence from which members count, given a window and an anchor.
pub(crate) fn first_that_counts<S: Store + ?Sized>(
    store: &mut S,
    category: i64,
    window: u32,
    anchor: u64,
) -> ApplyResult<u64, S> {
    if window == 0 {
        return Ok(anchor + 1);
    }
    let oldest = store.nth_newest_member(category, anchor, u64::MAX, u64::from(window) - 1);
    Ok(oldest
        .map_err(WriteError::Store)?
        .map_or(anchor + 1, |(sequence, _)| sequence))
}
