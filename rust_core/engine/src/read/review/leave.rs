//! An item that leaves its categories in the copy that a review works on, and comes back.

use std::sync::Arc;

use ee_core::command::Rejection;
use ee_core::namespace::{
    CategoryDraft, Draft, Item, Membership, Namespace, SumOverflow, UnitCorrection,
};
use ee_core::scoring::ActorSums;

use super::Reviewed;
use crate::{Error, Result};

/// A category that a member leaves.
pub(super) struct Left {
    key: Arc<str>,
    pub(super) id: i64,
    pub(super) sequence: u64,
    actor: String,
    /// The member outside the window that counts again, and its actor.
    pub(super) refill: Option<(u64, Item, String)>,
    /// What the category's members have been.
    pub(super) counting_from: u64,
    unit_correction: UnitCorrection,
    actors: Option<Arc<ActorSums>>,
}

/// What leaves with a membership; `None`: it does not count.
pub(super) fn leaving(reviewed: &Reviewed, own: &Membership) -> Result<Option<Left>> {
    let (namespace, reads, id) = (&reviewed.namespace, reviewed.reads(), reviewed.id);
    let key = namespace.key_of(own.category);
    let category = key.as_deref().and_then(|key| namespace.find(key));
    let Some(category) = category.filter(|category| category.counts(own.sequence)) else {
        return Ok(None);
    };
    let refill = match category.settings.window {
        0 => None,
        _ => {
            let (anchor, from) = (category.anchor, category.counting_from);
            reads.nth_newest_member(id, category.id, anchor, from, 0)?
        }
    };
    let refill = refill.map(|(sequence, item)| {
        let actor = reviewed.membership(item, sequence)?.origin.actor;
        Ok::<_, Error>((sequence, reads.item_by_id(id, item)?, actor))
    });
    let draft = namespace.draft_of(&category.key);
    let (unit_correction, actors) = match draft {
        Some(draft) => (draft.category.unit_correction, draft.category.actors),
        None => (UnitCorrection::Unknown, None),
    };
    Ok(Some(Left {
        key: Arc::clone(&category.key),
        id: category.id,
        sequence: own.sequence,
        actor: own.origin.actor.clone(),
        refill: refill.transpose()?,
        counting_from: category.counting_from,
        unit_correction,
        actors,
    }))
}

/// An item leaves categories of the copy.
pub(super) fn leave(namespace: &mut Namespace, left: &[Left], item: &Item) -> Result<()> {
    change(namespace, left, |draft, own| forget(draft, own, item))
}

/// An item comes back to the categories that it left.
pub(super) fn come_back(namespace: &mut Namespace, left: &[Left], item: &Item) -> Result<()> {
    change(namespace, left, |draft, own| absorb(draft, own, item))
}

fn change(
    namespace: &mut Namespace,
    left: &[Left],
    change: impl Fn(&mut CategoryDraft, &Left) -> std::result::Result<(), SumOverflow>,
) -> Result<()> {
    let mut draft = Draft::new(*namespace.header());
    for own in left {
        let mut category = namespace.draft_of(&own.key).expect("it is in the copy");
        change(&mut category, own).map_err(|e| Error::Rejected(Rejection::SumOverflow(e)))?;
        draft
            .categories
            .insert(Arc::clone(&own.key), Some(category));
    }
    draft.finalize_hashes(1, || {});
    Draft::compute_directions(std::iter::once(&mut draft), 1, || {});
    namespace.publish(draft);
    Ok(())
}

fn forget(
    draft: &mut CategoryDraft,
    own: &Left,
    item: &Item,
) -> std::result::Result<(), SumOverflow> {
    let zero = UnitCorrection::Known(Arc::new(vec![0; draft.sum.len()]));
    // The correction of a namespace that does not ask for it is lost where it was 0, unless it has zeros.
    let keep_known = |draft: &mut CategoryDraft| {
        if draft.category.unit_correction == UnitCorrection::Zero {
            draft.category.unit_correction = zero.clone();
        }
    };
    keep_known(draft);
    draft.forget(own.sequence, item, &own.actor)?;
    if let Some((sequence, refill, actor)) = &own.refill {
        keep_known(draft);
        draft.absorb(*sequence, refill, actor)?;
        draft.category.counting_from = *sequence;
    }
    if draft.category.unit_correction == zero {
        draft.category.unit_correction = UnitCorrection::Zero;
    }
    Ok(())
}

fn absorb(
    draft: &mut CategoryDraft,
    own: &Left,
    item: &Item,
) -> std::result::Result<(), SumOverflow> {
    draft.absorb(own.sequence, item, &own.actor)?;
    if let Some((sequence, refill, actor)) = &own.refill {
        draft.forget(*sequence, refill, actor)?;
        draft.category.counting_from = own.counting_from;
    }
    draft.category.unit_correction = own.unit_correction.clone();
    draft.category.actors.clone_from(&own.actors);
    Ok(())
}
