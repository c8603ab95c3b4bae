//! Unassign: items leave categories, which forget them exactly.

use rustc_hash::FxHashSet;

use super::conflicts::{BatchConflicts, Destination};
use super::{ApplyResult, Execution, WriteError};
use crate::command::{Rejection, Store, Unassigned, Unassignment};
use crate::settings::MembershipMode;

impl<S: Store + ?Sized> Execution<'_, S> {
    pub(super) fn unassign(
        &mut self,
        unassignments: &[Unassignment],
    ) -> ApplyResult<Vec<Unassigned>, S> {
        let single = self.published.settings().membership == MembershipMode::Single;
        let entries = unassignments.iter();
        self.check_expectations(
            entries.map(|entry| (entry.item.as_str(), entry.expected_category.as_deref())),
        )?;
        let mut conflicts = BatchConflicts::default();
        let mut deleted = FxHashSet::default();
        let mut outcomes: Vec<Unassigned> = Vec::with_capacity(unassignments.len());
        for (index, entry) in unassignments.iter().enumerate() {
            let destination = match &entry.category {
                _ if entry.delete_item => Destination::Deleted,
                None => Destination::Unassigned,
                Some(category) if single => Destination::Category(category),
                Some(_) => Destination::Any,
            };
            conflicts.check_destination(index, &entry.item, destination)?;
            outcomes.push(if entry.delete_item && !deleted.insert(&entry.item) {
                Unassigned {
                    item: entry.item.clone(),
                    previous: Vec::new(),
                    changed: false,
                    item_deleted: true,
                }
            } else {
                self.unassign_one(index, entry)?
            });
        }
        Ok(outcomes)
    }

    fn unassign_one(&mut self, index: usize, entry: &Unassignment) -> ApplyResult<Unassigned, S> {
        let Some(item) = self.store.item(&entry.item).map_err(WriteError::Store)? else {
            return Err(Rejection::ItemNotFound {
                index,
                key: entry.item.clone(),
            }
            .into());
        };
        let previous = match &entry.category {
            _ if entry.delete_item => self.delete_item(&item)?,
            None => self.leave_all(&item)?,
            Some(key) => {
                let Some(category) = self.category(key) else {
                    return Err(Rejection::CategoryNotFound {
                        index,
                        key: key.clone(),
                    }
                    .into());
                };
                let id = category.category.id;
                let memberships = self.memberships(item.id)?;
                let last = memberships.len() == 1;
                match memberships.iter().find(|m| m.category == id) {
                    Some(membership) => vec![self.leave(&item, membership, last)?.to_string()],
                    None => Vec::new(),
                }
            }
        };
        Ok(Unassigned {
            item: entry.item.clone(),
            changed: entry.delete_item || !previous.is_empty(),
            item_deleted: entry.delete_item,
            previous,
        })
    }
}
