//! Assign: items join categories, which learn them at once.

use std::sync::Arc;

use super::conflicts::{Claims, Place};
use super::{Step, Write};
use crate::command::Store;
use crate::command::{Assigned, Assignment, Refusal};
use crate::namespace::Asking;
use crate::ranking::{self, Query};
use crate::settings::MembershipMode;

impl<S: Store> Write<'_, S> {
    pub(super) fn assign(&mut self, assignments: &[Assignment]) -> Step<Vec<Assigned>, S> {
        let single = self.published.settings().membership == MembershipMode::Single;
        let mut claims = Claims::default();
        let mut outcomes = Vec::with_capacity(assignments.len());
        for (index, assignment) in assignments.iter().enumerate() {
            let place = if single {
                Place::Category(&assignment.category)
            } else {
                Place::Any
            };
            claims.agree(index, &assignment.item, place)?;
            outcomes.push(self.assign_one(index, assignment, single)?);
        }
        Ok(outcomes)
    }

    fn assign_one(
        &mut self,
        index: usize,
        assignment: &Assignment,
        single: bool,
    ) -> Step<Assigned, S> {
        let Some(category) = self.category(&assignment.category) else {
            let key = assignment.category.clone();
            return Err(Refusal::CategoryNotFound { index, key }.into());
        };
        let (key, id) = (Arc::clone(&category.category.key), category.category.id);
        let mut resolved = self.resolve(index, &assignment.item)?;
        let (item_created, updated) = (resolved.before.is_none(), resolved.changed());

        let query = Query::new(&resolved.after.embedding);
        let score_before = match &query {
            Some(query) => self.score(&key, query)?,
            None => None,
        };

        self.save(&mut resolved, false)?;
        let item = &resolved.after;
        let already = resolved.memberships.iter().any(|m| m.category == id);
        let mut previous = already.then(|| key.to_string());
        if !already {
            if single {
                for membership in &resolved.memberships {
                    // It joins the next category in the same step, so it never enters the inbox.
                    previous = Some(self.leave(item, membership, false)?.to_string());
                }
            }
            // A new item never was in the inbox.
            let from_inbox = !item_created && resolved.memberships.is_empty();
            self.join(item, &key, from_inbox)?;
        }
        let asking = Asking {
            command: self.number,
            entry: index,
        };
        let category = self.category(&key).expect("as before");
        category.check()?;
        let category_drift = if already {
            category.drift()?
        } else {
            category.ask(asking);
            None
        };
        let assigned = Assigned {
            item: item.key.clone(),
            category: key.to_string(),
            previous,
            changed: updated || !already,
            score_before,
            category_count: category.category.absorbed.members,
            category_drift,
            item_created,
        };
        self.created(resolved);
        Ok(assigned)
    }

    /// What a category scores now. Where nothing has changed it, its direction is published; to
    /// compute it again would cost as much as the one after.
    fn score(&mut self, key: &Arc<str>, query: &Query) -> Step<Option<f64>, S> {
        let published = self.published;
        let category = self.category(key).expect("the caller has seen it");
        if !category.changed
            && let Some(score) = published.score_of(key, query)
        {
            return Ok(score);
        }
        Ok(category.row()?.map(|row| ranking::score(query, row)))
    }
}
