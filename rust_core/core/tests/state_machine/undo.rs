//! After an undo the state is that of a namespace in which the changes never happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use ee_core::command::undo::{UndoPlan, UndoPlanner};
use ee_core::command::{Command, Rejection};
use ee_core::namespace::{Dismissal, Membership, Origin, Part};
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

/// Dismissals by the keys of item and category, with their authors and times.
fn dismissed(machine: &Machine) -> Vec<(String, String, Origin)> {
    let store = &machine.store;
    let own = |own: &Dismissal| {
        let item = store.items[&own.item].key.clone();
        let category = store.categories[&own.category].key.to_string();
        (item, category, own.origin.clone())
    };
    let mut all: Vec<_> = store.dismissals.values().map(own).collect();
    all.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    all
}

/// Parts by the keys of composite and part, with their weights.
fn parts(machine: &Machine) -> BTreeSet<(String, String, u32)> {
    let store = &machine.store;
    let key = |id: i64| store.items[&id].key.clone();
    let own = |part: &Part| (key(part.composite), key(part.item), part.weight.to_bits());
    store.parts.values().map(own).collect()
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
    (
        places(machine),
        dismissed(machine),
        parts(machine),
        items,
        categories,
        profile,
    )
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
    fn revisions_taken_back_one_after_the_other_leave_no_trace(
        membership in membership(),
        commands in commands(1..40),
    ) {
        let mut machine = Machine::new(membership);
        let mut digests = vec![machine.digest()];
        let of_items = |command: &&Command| matches!(
            command,
            Command::PutCategories(_) | Command::PutItems(_) | Command::DeleteItems { .. }
                | Command::Assign(_) | Command::Unassign(_) | Command::Dismiss { .. }
        );
        for command in commands.iter().filter(of_items) {
            let _ = machine.apply(command);
            if machine.namespace.header().revision == digests.len() as u64 {
                digests.push(machine.digest());
            }
        }
        for newest in (1..digests.len()).rev() {
            undo(&mut machine, |revision| revision == newest as u64).unwrap();
            audit_machine(&machine);
            prop_assert_eq!(machine.digest(), digests[newest - 1], "revision {}", newest);
        }
    }

    #[test]
    fn one_of_two_authors_never_was(
        membership in membership(),
        setup in crate::strategies::four_categories(true, true),
        steps in prop::collection::vec((any::<bool>(), 0..4u8, 0..4u8, 0..4u8, vector()), 1..40),
    ) {
        let (mut both, mut one) = (Machine::new(membership), Machine::new(membership));
        both.run(&setup);
        one.run(&setup);
        let mut wrong = BTreeSet::new();
        let mut names = [0, 1, 2, 3].map(|number| format!("category {number}"));
        let mut renames = 0;
        for (is_wrong, key, category, kind, embedding) in steps {
            // Each author has items of their own; the categories and their windows are shared.
            let key = format!("{} {key}", if is_wrong { "wrong" } else { "right" });
            let place = usize::from(category);
            if kind == 3 {
                // Only the right author gives categories other keys, and the wrong one's changes are
                // taken back all the same.
                let key = std::mem::replace(&mut names[place], format!("renamed {renames}"));
                renames += 1;
                let rename = Command::RenameCategory { key, new_key: names[place].clone() };
                both.run(&rename);
                one.run(&rename);
                continue;
            }
            let category = names[place].clone();
            let is_known = both.store.item_id(&key).is_some();
            let command = match kind {
                0 if is_known => unassign(&key, Some(&category)),
                1 if is_known => assign(known(&key), &category),
                _ => assign(item(&key, &embedding, 1.0), &category),
            };
            let before = both.namespace.header().revision;
            both.actor = Some(if is_wrong { "wrong" } else { "right" });
            one.actor = Some("right");
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

/// A category "a" with the member "x", renamed to "b" by revision 3.
fn renamed() -> Machine {
    let mut machine = Machine::new(MembershipMode::Single);
    machine.run(&Command::PutCategories(vec![crate::machine::category(
        "a", None,
    )]));
    machine.run(&assign(item("x", &[1.0, 0.0, 0.0], 1.0), "a"));
    machine.run(&rename("a", "b"));
    machine
}

fn rename(key: &str, new_key: &str) -> Command {
    Command::RenameCategory {
        key: key.into(),
        new_key: new_key.into(),
    }
}

/// The later revisions that each conflict names.
fn conflicts(machine: &mut Machine, revision: u64) -> Vec<Option<u64>> {
    match undo(machine, |selected| selected == revision).expect_err("a conflict") {
        Rejection::UndoConflicts(conflicts) => conflicts.iter().map(|own| own.by).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn an_assignment_before_a_rename_is_taken_back_under_the_new_key() {
    let mut machine = renamed();
    undo(&mut machine, |revision| revision == 2).unwrap();
    audit_machine(&machine);
    let expected = {
        let mut machine = Machine::new(MembershipMode::Single);
        machine.run(&Command::PutCategories(vec![crate::machine::category(
            "b", None,
        )]));
        machine
    };
    assert_eq!(machine.digest(), expected.digest());
}

#[test]
fn the_creation_of_a_renamed_category_is_not_taken_back() {
    assert_eq!(conflicts(&mut renamed(), 1), [Some(2)]);
    let mut empty = renamed();
    undo(&mut empty, |revision| revision == 2).unwrap();
    assert_eq!(conflicts(&mut empty, 1), [Some(3)]);
}

#[test]
fn a_rename_is_not_taken_back_once_its_old_key_has_a_category() {
    let mut machine = renamed();
    machine.run(&Command::PutCategories(vec![crate::machine::category(
        "a", None,
    )]));
    assert_eq!(conflicts(&mut machine, 3), [Some(4)]);
    machine.run(&rename("b", "c"));
    assert_eq!(conflicts(&mut machine, 3), [Some(4)]);
    undo(&mut machine, |revision| revision == 4).unwrap();
    assert_eq!(conflicts(&mut machine, 3), [Some(5)]);
    undo(&mut machine, |revision| revision == 5 || revision == 3).unwrap();
    audit_machine(&machine);
    assert!(machine.namespace.contains("a"));
}

#[test]
fn changes_of_a_category_that_had_the_key_before_are_another_ones() {
    let mut machine = renamed();
    machine.run(&Command::PutCategories(vec![crate::machine::category(
        "a",
        Some(&[0.0, 1.0, 0.0]),
    )]));
    machine.run(&assign(known("x"), "a"));
    // Revision 2 put "x" into the category that is "b" now; 5 moved it into the new "a".
    assert_eq!(conflicts(&mut machine, 2), [Some(5), Some(5)]);
    undo(&mut machine, |revision| revision == 5).unwrap();
    undo(&mut machine, |revision| revision == 2).unwrap();
    audit_machine(&machine);
    let counts = ["a", "b"].map(|key| machine.namespace.category(key, false).unwrap().member_count);
    assert_eq!(counts, [0, 0]);
}
