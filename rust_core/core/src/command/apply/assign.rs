//! Assign: items join categories, which absorb them at once.

use std::sync::Arc;

use super::conflicts::{BatchConflicts, Destination};
use super::{ApplyResult, Execution};
use crate::command::bounds::MAX_MEMBERSHIPS;
use crate::command::{Assigned, Assignment, ItemPut, Rejection, Store};
use crate::namespace::EntryIndex;
use crate::scoring::Query;
use crate::settings::MembershipMode;

impl<S: Store + ?Sized> Execution<'_, S> {
    pub(super) fn assign(&mut self, assignments: &[Assignment]) -> ApplyResult<Vec<Assigned>, S> {
        let single = self.published.settings().membership == MembershipMode::Single;
        let entries = assignments.iter().map(|entry| &entry.item);
        self.check_expectations(entries.map(ItemPut::expectation))?;
        let mut conflicts = BatchConflicts::default();
        let mut outcomes = Vec::with_capacity(assignments.len());
        for (index, assignment) in assignments.iter().enumerate() {
            let destination = if single {
                Destination::Category(&assignment.category)
            } else {
                Destination::Any
            };
            conflicts.check(index, &assignment.item, destination)?;
            outcomes.push(self.assign_one(index, assignment, single)?);
        }
        Ok(outcomes)
    }

    fn assign_one(
        &mut self,
        index: usize,
        assignment: &Assignment,
        single: bool,
    ) -> ApplyResult<Assigned, S> {
        let Some(category) = self.category(&assignment.category) else {
            let key = assignment.category.clone();
            return Err(Rejection::CategoryNotFound { index, key }.into());
        };
        let (key, id) = (Arc::clone(&category.category.key), category.category.id);
        let mut resolved = self.resolve(index, &assignment.item)?;
        let (item_created, updated) = (resolved.before.is_none(), resolved.changed());

        let query = self.scorer.query(&resolved.after.embedding);
        let score_before = query.and_then(|query| self.score(&key, &query));

        self.save(&mut resolved, false)?;
        let item = &resolved.after;
        let already = resolved.memberships.iter().any(|m| m.category == id);
        let mut previous = already.then(|| key.to_string());
        if !already {
            self.end_dismissal(item, id, &key)?;
            if single {
                for membership in &resolved.memberships {
                    // The item joins the next category in the same command, so it never enters the
                    // inbox.
                    previous = Some(self.leave(item, membership, false)?.to_string());
                }
            }
            // So that the memberships of an item can all be changed in one command.
            if resolved.memberships.len() as u64 >= MAX_MEMBERSHIPS {
                return Err(Rejection::TooManyMemberships {
                    category: None,
                    members: 0,
                }
                .into());
            }
            // A new item was never in the inbox.
            let from_inbox = !item_created && resolved.memberships.is_empty();
            self.join(item, &key, from_inbox)?;
        }
        let at = EntryIndex {
            command: self.number,
            entry: index,
        };
        let category = self.category(&key).expect("as before");
        let category_drift = if already {
            category.drift()
        } else {
            category.report_drift(at);
            None
        };
        let assigned = Assigned {
            item: item.key.clone(),
            category: key.to_string(),
            previous,
            changed: updated || !already,
            score_before,
            category_count: category.category.stats.members,
            category_drift,
            item_created,
        };
        self.created(resolved);
        Ok(assigned)
    }

    /// The score of a category as of now. If nothing has changed the category, its row is published;
    /// to compute it again would cost as much as the one after the change.
    fn score(&mut self, key: &Arc<str>, query: &Query) -> Option<f64> {
        let (published, scorer) = (self.published, self.scorer);
        let category = self.category(key).expect("the caller has found it");
        let row = match published.row_of(key) {
            Some(row) if !category.changed => row,
            _ => category.row(),
        };
        Some(scorer.score(query, row?).cosine)
    }
}
