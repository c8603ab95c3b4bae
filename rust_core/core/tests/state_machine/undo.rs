//! After an undo the state is that of a namespace in which the changes never happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use ee_core::command::undo::{UndoPlan, UndoPlanner};
use ee_core::command::{Command, Rejection};
use ee_core::namespace::Membership;
use ee_core::settings::MembershipMode;
use proptest::prelude::*;

use crate::audit::audit_machine;
use crate::machine::{Machine, assign, item, known, unassign};
use crate::strategies::{cases, commands, membership, vector};

fn plan(machine: &Machine, selected: impl Fn(u64) -> bool) -> UndoPlan {
    let entries = machine.log.iter().filter(|entry| selected(entry.revision));
    let mode = machine.namespace.settings().membership;
    let mut planner = UndoPlanner::new(mode, entries.cloned().collect());
    for entry in machine.log.iter().rev() {
        if planner.first().is_none() {
            break;
        }
        planner.entry(entry);
    }
    planner.finish(machine.namespace.header().revision, false)
}

fn undo(machine: &mut Machine, selected: impl Fn(u64) -> bool) -> Result<(), Rejection> {
    let plan = plan(machine, selected);
    machine.apply(&Command::Undo(Arc::new(plan))).map(drop)
}

/// Memberships by the keys of item and category, with their places, times and actors: identifiers of
/// what was deleted and is there again differ.
fn places(machine: &Machine) -> Vec<(String, String, Membership)> {
    let store = &machine.store;
    let place = |own: &Membership| {
        let item = store.items[&own.item].key.clone();
        let category = store.categories[&own.category].key.to_string();
        let own = Membership {
            item: 0,
            category: 0,
            ..own.clone()
        };
        (item, category, own)
    };
    store.memberships.values().map(place).collect()
}

/// All that an undo restores, apart from the digest.
fn contents(machine: &Machine) -> impl PartialEq + std::fmt::Debug + use<> {
    let store = &machine.store;
    let items: BTreeSet<_> = store
        .items
        .values()
        .map(|item| (item.key.clone(), item.created_ms))
        .collect();
    let categories: Vec<_> = {
        let mut all: Vec<_> = store.categories.values().cloned().collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    };
    let profile = machine.namespace.profile().clone();
    (places(machine), items, categories, profile)
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn the_newest_changes_taken_back_leave_no_trace_and_come_again(
        membership in membership(),
        commands in commands(1..40),
        keep in 0..40u64,
    ) {
        let mut machine = Machine::new(membership);
        let mut kept = Machine::new(membership);
        for command in &commands {
            if kept.namespace.header().revision <= keep {
                let _ = kept.apply(command);
            }
            let _ = machine.apply(command);
        }
        let end = kept.namespace.header().revision;
        let (digest, all) = (machine.digest(), contents(&machine));

        undo(&mut machine, |revision| revision > end).unwrap();
        audit_machine(&machine);
        prop_assert_eq!(machine.digest(), kept.digest());
        prop_assert_eq!(contents(&machine), contents(&kept));

        // The undo taken back is a redo.
        let newest = machine.namespace.header().revision;
        let last = machine.log.last().is_some_and(|entry| !entry.undone.is_empty());
        if last {
            undo(&mut machine, |revision| revision == newest).unwrap();
            audit_machine(&machine);
            prop_assert_eq!(machine.digest(), digest);
            prop_assert_eq!(contents(&machine), all);
        }
    }

    #[test]
    fn one_of_two_authors_never_was(
        membership in membership(),
        setup in crate::strategies::four_categories(true, true),
        steps in prop::collection::vec((any::<bool>(), 0..4u8, 0..4u8, 0..3u8, vector()), 1..40),
    ) {
        let (mut both, mut one) = (Machine::new(membership), Machine::new(membership));
        both.run(&setup);
        one.run(&setup);
        let mut wrong = BTreeSet::new();
        for (is_wrong, key, category, kind, embedding) in steps {
            // Each author has items of their own; the categories and their windows are shared.
            let key = format!("{} {key}", if is_wrong { "wrong" } else { "right" });
            let category = format!("category {category}");
            let is_known = both.store.item_id(&key).is_some();
            let command = match kind {
                0 if is_known => unassign(&key, Some(&category)),
                1 if is_known => assign(known(&key), &category),
                _ => assign(item(&key, &embedding, 1.0), &category),
            };
            let before = both.namespace.header().revision;
            both.run(&command);
            if !is_wrong {
                one.run(&command);
            } else if both.namespace.header().revision > before {
                wrong.insert(before + 1);
            }
        }
        undo(&mut both, |revision| wrong.contains(&revision)).unwrap();
        audit_machine(&both);
        prop_assert_eq!(both.digest(), one.digest());
    }
}

#[test]
fn a_later_change_is_a_conflict_and_nothing_is_changed() {
    let mut machine = Machine::new(MembershipMode::Single);
    let categories = ["a", "b"].map(|key| crate::machine::category(key, None));
    machine.run(&Command::PutCategories(categories.to_vec()));
    machine.run(&assign(item("x", &[1.0, 0.0, 0.0], 1.0), "a"));
    machine.run(&assign(known("x"), "b"));
    let digest = machine.digest();
    let refused = undo(&mut machine, |revision| revision == 2).unwrap_err();
    let Rejection::UndoConflicts(conflicts) = refused else {
        panic!("{refused}");
    };
    assert!(conflicts.iter().all(|conflict| conflict.by == Some(3)));
    assert_eq!(conflicts.len(), 2, "the assignment, and the creation");
    assert_eq!(machine.digest(), digest);
}

#[test]
fn what_was_taken_back_before_is_left_alone() {
    let mut machine = Machine::new(MembershipMode::Single);
    machine.run(&Command::PutCategories(vec![crate::machine::category(
        "a", None,
    )]));
    machine.run(&assign(item("x", &[1.0, 0.0, 0.0], 1.0), "a"));
    undo(&mut machine, |revision| revision == 2).unwrap();
    let again = plan(&machine, |revision| revision == 2);
    assert_eq!((again.reversals.len(), again.conflicts.len()), (0, 0));
}
