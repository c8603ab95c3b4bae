//! Merging categories: the members of some become members of another one.
//!
//! Each member keeps its place in the order of assignment, its time and its actor, so that the target is
//! what it would be if everything had been assigned to it in the first place. A member of several of
//! the categories counts once, with its earliest place: to assign an item again changes nothing. Base,
//! settings, anchor and metadata of the target stay, and those of the others go. Dismissals of the others
//! become dismissals of the target, except of its members.

use std::sync::Arc;

use super::{ApplyResult, Execution, WriteError, first_by_key};
use crate::command::bounds::MAX_MERGED;
use crate::command::{Merged, MergedSource, Rejection, Store};
use crate::namespace::{CategoryDraft, Membership};
use crate::settings::MembershipMode;

/// Members read at a time.
const SCAN: usize = 512;

impl<S: Store + ?Sized> Execution<'_, S> {
    /// Merges categories into another one. A repeated key counts once.
    pub(super) fn merge_categories(
        &mut self,
        keys: &[String],
        target: &str,
    ) -> ApplyResult<Merged, S> {
        let Some(draft) = self.category(target) else {
            let key = target.to_owned();
            return Err(Rejection::TargetNotFound { key }.into());
        };
        let target = Arc::clone(&draft.category.key);
        let drift_before = draft.drift();
        let effective = draft.centroid().effective();
        let effective = effective.and_then(|vector| self.scorer.query(&vector));

        let first = first_by_key(keys.iter().map(String::as_str));
        let (mut sources, mut members) = (Vec::new(), 0);
        for (index, key) in keys.iter().enumerate() {
            if first[key.as_str()] != index {
                continue;
            }
            if **key == *target {
                let key = key.clone();
                return Err(Rejection::MergeIntoItself { index, key }.into());
            }
            let scorer = self.scorer;
            let Some(source) = self.category(key) else {
                let key = key.clone();
                return Err(Rejection::CategoryNotFound { index, key }.into());
            };
            let own = source.category.stats.members;
            members += own;
            let row = source.row();
            let score = |query| row.map(|row| scorer.score(query, row).cosine);
            sources.push(MergedSource {
                key: key.clone(),
                members: own,
                moved: 0,
                cosine: effective.as_ref().and_then(score),
            });
        }
        if members > MAX_MERGED {
            return Err(Rejection::TooManyMerged { members }.into());
        }
        for source in &mut sources {
            let draft = self.category(&source.key).expect("as before").clone();
            source.moved = self.move_members(draft.clone(), &target)?;
            self.carry_dismissals(&draft, &target)?;
            self.drop_category(&draft)?;
        }
        let category = self.category(&target).expect("as before").view(false);
        Ok(Merged {
            sources,
            drift_before,
            category,
        })
    }

    /// Moves the members of a category to another one. Returns how many were not members of that. The
    /// category is deleted afterwards with its sum, so nothing is subtracted.
    fn move_members(
        &mut self,
        mut source: CategoryDraft,
        target: &Arc<str>,
    ) -> ApplyResult<u64, S> {
        self.draft.drifts.extend(source.take_drifts());
        let (id, key) = (source.category.id, Arc::clone(&source.category.key));
        let mut moved = 0;
        loop {
            let members = self.store.members(id, 0, SCAN).map_err(WriteError::Store)?;
            self.read_memberships(members.len() as u64)?;
            for member in &members {
                moved += u64::from(self.move_member(member, &key, target)?);
            }
            if members.len() < SCAN {
                break;
            }
        }
        Ok(moved)
    }

    /// What does not belong to a category does not belong to the one that it is merged into, unless it is
    /// in that.
    fn carry_dismissals(
        &mut self,
        source: &CategoryDraft,
        target: &Arc<str>,
    ) -> ApplyResult<(), S> {
        let (id, key) = (source.category.id, &source.category.key);
        for dismissal in self.end_dismissals_of_category(id, key)? {
            let target_id = self.category(target).expect("the caller has found it");
            let target_id = target_id.category.id;
            let item = self.store.item_by_id(dismissal.item);
            let item = item.map_err(WriteError::Store)?;
            let memberships = self.memberships(item.id)?;
            let is_member = memberships.iter().any(|own| own.category == target_id);
            if !is_member && self.dismissal(item.id, target_id)?.is_none() {
                self.begin_dismissal(&item, target_id, target, dismissal.origin)?;
            }
        }
        Ok(())
    }

    /// Moves a member. Returns whether it was no member of the target. It is in a category all the
    /// while, so it does not enter the inbox.
    fn move_member(
        &mut self,
        member: &Membership,
        from: &Arc<str>,
        target: &Arc<str>,
    ) -> ApplyResult<bool, S> {
        let item = self.store.item_by_id(member.item);
        let item = item.map_err(WriteError::Store)?;
        let own = match self.published.settings().membership {
            MembershipMode::Single => None,
            MembershipMode::Multiple => {
                let memberships = self.memberships(item.id)?;
                // An undo of the merge reads them up to three times.
                self.read_memberships(2 * memberships.len() as u64)?;
                let target = self.category(target).expect("the caller has found it");
                let id = target.category.id;
                memberships.into_iter().find(|own| own.category == id)
            }
        };
        if let Some(own) = &own {
            if own.sequence < member.sequence {
                self.end_membership(&item, member, from, false)?;
                return Ok(false);
            }
            self.leave(&item, own, false)?;
        }
        let id = self.category(target).expect("as before").category.id;
        self.end_dismissal(&item, id, target)?;
        self.end_membership(&item, member, from, false)?;
        self.rejoin(&item, target, member.sequence, &member.origin, false)?;
        Ok(own.is_none())
    }
}
