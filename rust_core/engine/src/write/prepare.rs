//! Computing what a write needs of many members before the write.
//!
//! A change of window or frozen, a new cap on the share of an actor, and a reanchor need the sum of the members that count afterwards; a
//! rename needs the hashes of all. Where these are many, they are read in the caller's thread, from a view of the store, while other
//! namespaces are written to; writes of the same namespace wait for it. The write itself then only
//! takes the result over, if the namespace still has the revision that it is of.

use std::time::Instant;

use ee_core::arithmetic::digest::SetDigest;
use ee_core::command::{
    CategoryPut, Command, MAX_REBUILD, Prepared, PreparedRename, PreparedSum, rename_dismissal,
    rename_membership,
};
use ee_core::namespace::{Category, Item, Membership, Namespace, Rebuild};
use ee_store::Reads;

use crate::Result;
use crate::api::At;
use crate::catalog::cached_namespace::CachedNamespace;
use crate::clock::check_deadline;
use crate::shared::Shared;

/// Members read at a time.
const SCAN: usize = 512;

/// A category whose sum a command needs.
struct Target {
    id: i64,
    window: u32,
    frozen: bool,
    by_actor: bool,
    anchor: Anchor,
}

enum Anchor {
    /// Stays where it is.
    Stays(u64),
    /// Behind the newest of so many members.
    KeepLast(u32),
}

/// Whether a command needs many members. `waits` is called before this waits.
pub(crate) fn is_due(loaded: &CachedNamespace, command: &Command, waits: &dyn Fn()) -> bool {
    match command {
        Command::PutCategories(_) | Command::Reanchor { .. } => {
            !targets(&loaded.read_after(waits), command).is_empty()
        }
        Command::RenameCategory { .. } => renamed(&loaded.read_after(waits), command).is_some(),
        _ => false,
    }
}

/// Computes what a command needs, as of the current revision.
pub(crate) fn prepare(
    shared: &Shared,
    loaded: &std::sync::Arc<CachedNamespace>,
    command: &Command,
    deadline: Option<Instant>,
) -> Result<Prepared> {
    let At {
        value: (targets, renamed, keep_unit_sums, view),
        revision,
    } = shared.read_both(loaded, |published, view| {
        let keep_unit_sums = published.profile().ranking.keeps_unit_sums();
        let (targets, renamed) = (targets(published, command), renamed(published, command));
        Ok((targets, renamed, keep_unit_sums, view))
    })?;
    let dimension = loaded.settings.dimension as usize;
    let build = |target: &Target| {
        let room = Rebuild::new(dimension, keep_unit_sums, target.by_actor);
        build(view.reads(), loaded.id, room, target, deadline)
    };
    let rename = |(id, from, to)| rename(view.reads(), loaded.id, id, (from, to), deadline);
    Ok(Prepared {
        revision,
        sums: targets.iter().map(build).collect::<Result<_>>()?,
        rename: renamed.map(rename).transpose()?,
    })
}

fn targets(published: &Namespace, command: &Command) -> Vec<Target> {
    let many = |category: &&Category| category.stats.members > MAX_REBUILD;
    match command {
        Command::PutCategories(puts) => {
            let of = |put: &CategoryPut| {
                let category = published.find(&put.key).filter(many)?;
                let before = (category.settings.window, category.settings.frozen);
                let window = put.window.unwrap_or(before.0);
                let frozen = put.frozen.unwrap_or(before.1);
                let share = put.max_actor_share;
                let by_actor = share.unwrap_or(category.settings.max_actor_share).is_some();
                let needs_actors = by_actor && category.actors.is_none();
                (needs_actors || before != (window, frozen)).then_some(Target {
                    id: category.id,
                    window,
                    frozen,
                    by_actor,
                    anchor: Anchor::Stays(category.anchor),
                })
            };
            puts.iter().filter_map(of).collect()
        }
        Command::Reanchor { key, keep_last } => {
            let of = |category: &Category| Target {
                id: category.id,
                window: category.settings.window,
                frozen: category.settings.frozen,
                by_actor: category.actors.is_some(),
                anchor: Anchor::KeepLast(*keep_last),
            };
            published
                .find(key)
                .filter(many)
                .map(of)
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The category with many members that a command renames, and its keys.
fn renamed<'c>(published: &Namespace, command: &'c Command) -> Option<(i64, &'c str, &'c str)> {
    let Command::RenameCategory { key, new_key } = command else {
        return None;
    };
    let category = published.find(key)?;
    let is_many = category.stats.members > MAX_REBUILD && key != new_key;
    is_many.then_some((category.id, key, new_key))
}

fn build(
    reads: &dyn Reads,
    namespace: i64,
    mut rebuild: Rebuild,
    target: &Target,
    deadline: Option<Instant>,
) -> Result<PreparedSum> {
    let id = target.id;
    let nth = |after, nth| reads.nth_newest_member(namespace, id, after, u64::MAX, nth);
    let anchor = match target.anchor {
        Anchor::Stays(anchor) => anchor,
        Anchor::KeepLast(count) => nth(0, u64::from(count))?.map_or(0, |(sequence, _)| sequence),
    };
    let oldest = match target.window {
        0 => None,
        window => nth(anchor, u64::from(window) - 1)?,
    };
    let counting_from = oldest.map_or(anchor + 1, |(sequence, _)| sequence);
    if !target.frozen {
        each_member(
            reads,
            namespace,
            id,
            counting_from,
            deadline,
            |member, item| {
                rebuild.absorb(item.weight, &item.embedding, &member.origin.actor);
            },
        )?;
    }
    Ok(PreparedSum {
        category: id,
        window: target.window,
        frozen: target.frozen,
        by_actor: target.by_actor,
        anchor,
        counting_from,
        rebuild,
    })
}

/// What the new key of a category changes in the digest.
fn rename(
    reads: &dyn Reads,
    namespace: i64,
    category: i64,
    (from, to): (&str, &str),
    deadline: Option<Instant>,
) -> Result<PreparedRename> {
    let mut records = SetDigest::default();
    each_member(reads, namespace, category, 0, deadline, |_, item| {
        rename_membership(&mut records, &item.key, from, to);
    })?;
    let mut after = 0;
    loop {
        check_deadline(deadline)?;
        let found = reads.dismissals_of_category(namespace, category, after, SCAN)?;
        for dismissal in &found {
            let item = reads.item_by_id(namespace, dismissal.item)?;
            rename_dismissal(&mut records, &item.key, from, to);
        }
        match found.last() {
            Some(last) if found.len() == SCAN => after = last.item,
            _ => break,
        }
    }
    Ok(PreparedRename {
        category,
        key: to.to_owned(),
        records,
    })
}

/// Reads the members of a category from a sequence on.
fn each_member(
    reads: &dyn Reads,
    namespace: i64,
    category: i64,
    from: u64,
    deadline: Option<Instant>,
    mut each: impl FnMut(&Membership, Item),
) -> Result<()> {
    let mut from = Some(from);
    while let Some(next) = from {
        check_deadline(deadline)?;
        let members = reads.members(namespace, category, next, SCAN)?;
        for member in &members {
            each(member, reads.item_by_id(namespace, member.item)?);
        }
        let full = members.len() == SCAN;
        from = members
            .last()
            .filter(|_| full)
            .map(|last| last.sequence + 1);
    }
    Ok(())
}
