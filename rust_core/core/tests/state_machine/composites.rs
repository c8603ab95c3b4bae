//! Composite items: an item that is the weighted mean of others, and follows them.

use std::sync::Arc;

use ee_core::command::record::{Change, ChangeKind};
use ee_core::command::undo::{UndoPlan, UndoPlanner};
use ee_core::command::{
    Command, CommandContext, ItemPut, MAX_COMPOSITES, MAX_PARTS, PartPut, Rejection, WriteError,
    execute,
};
use ee_core::namespace::{Draft, Origin};
use ee_core::settings::MembershipMode;
use proptest::prelude::*;

use crate::audit::audit_machine;
use crate::machine::{Machine, assign, category, forget, item, known};
use crate::strategies::{cases, vector};

/// A put of an item with parts.
fn made_of(key: &str, parts: &[(&str, f32)]) -> ItemPut {
    let part = |(item, weight): &(&str, f32)| PartPut {
        item: (*item).to_owned(),
        weight: *weight,
    };
    ItemPut {
        key: key.into(),
        parts: Some(parts.iter().map(part).collect()),
        ..ItemPut::default()
    }
}

fn put(items: &[ItemPut]) -> Command {
    Command::PutItems(items.to_vec())
}

/// Tasks "x", "y" and "z" along the axes, and a category "a" with "x".
fn tasks() -> Machine {
    let mut machine = Machine::new(MembershipMode::Single);
    machine.run(&Command::PutCategories(vec![category("a", None)]));
    machine.run(&put(&[
        item("x", &[1.0, 0.0, 0.0], 1.0),
        item("y", &[0.0, 1.0, 0.0], 1.0),
        item("z", &[0.0, 0.0, 1.0], 1.0),
    ]));
    machine.run(&assign(known("x"), "a"));
    machine
}

fn embedding(machine: &Machine, key: &str) -> Vec<f32> {
    let id = machine.store.item_id(key).expect("it is stored");
    machine.store.items[&id].embedding.clone()
}

fn parts(machine: &Machine, key: &str) -> Vec<(String, f32)> {
    let id = machine.store.item_id(key).expect("it is stored");
    let own = machine.store.parts.values();
    let own = own.filter(|part| part.composite == id);
    own.map(|part| (machine.store.items[&part.item].key.clone(), part.weight))
        .collect()
}

fn undo(machine: &mut Machine, selected: &[u64], skip_conflicts: bool) -> Result<(), Rejection> {
    let plan = plan(machine, selected, skip_conflicts);
    machine.apply(&Command::Undo(Arc::new(plan))).map(drop)
}

fn plan(machine: &Machine, selected: &[u64], skip_conflicts: bool) -> UndoPlan {
    let entries = machine.log.iter();
    let entries = entries.filter(|entry| selected.contains(&entry.revision));
    let mut planner = UndoPlanner::new(MembershipMode::Single, entries.cloned().collect());
    for entry in machine.log.iter().rev() {
        if planner.first().is_none() {
            break;
        }
        planner.entry(entry);
    }
    planner.finish(machine.namespace.header().revision, skip_conflicts)
}

fn revision(machine: &Machine) -> u64 {
    machine.namespace.header().revision
}

#[test]
fn it_is_the_weighted_mean_and_its_category_follows() {
    let mut machine = tasks();
    machine.run(&assign(made_of("p", &[("x", 1.0), ("y", 3.0)]), "a"));
    assert_eq!(embedding(&machine, "p"), [0.25, 0.75, 0.0]);
    let before = machine.digest();

    machine.run(&put(&[item("y", &[0.0, 0.0, 1.0], 5.0)]));
    assert_eq!(embedding(&machine, "p"), [0.25, 0.0, 0.75]);
    let kinds: Vec<_> = machine
        .log
        .last()
        .unwrap()
        .changes
        .iter()
        .map(|own| (own.kind(), own.item().unwrap().to_owned()))
        .collect();
    let updated = |key: &str| (ChangeKind::ItemUpdated, key.to_owned());
    assert_eq!(kinds, [updated("y"), updated("p")]);
    audit_machine(&machine);

    machine.run(&put(&[item("y", &[0.0, 1.0, 0.0], 1.0)]));
    assert_eq!(machine.digest(), before);
}

#[test]
fn parts_and_embeddings_of_its_own_take_turns() {
    let mut machine = tasks();
    machine.run(&put(&[item("p", &[2.0, 0.0, 0.0], 1.0)]));
    let plain = machine.digest();
    machine.run(&put(&[made_of("p", &[("y", 1.0), ("z", 1.0)])]));
    let composite = machine.digest();
    // Neither an embedding nor parts: both stay.
    machine.run(&put(&[ItemPut {
        weight: Some(3.0),
        ..known("p")
    }]));
    machine.run(&put(&[ItemPut {
        weight: Some(1.0),
        ..known("p")
    }]));
    assert_eq!(machine.digest(), composite);
    machine.run(&put(&[item("p", &[2.0, 0.0, 0.0], 1.0)]));
    assert_eq!(machine.digest(), plain);
    assert_eq!(machine.store.parts.len(), 0);
    machine.run(&put(&[item("y", &[0.0, 5.0, 0.0], 1.0)]));
    assert_eq!(embedding(&machine, "p"), [2.0, 0.0, 0.0]);
    audit_machine(&machine);
}

#[test]
fn the_same_parts_in_another_order_change_nothing() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 2.0)])]));
    let before = revision(&machine);
    machine.run(&put(&[
        made_of("p", &[("y", 2.0), ("x", 1.0)]),
        made_of("p", &[("x", 1.0), ("y", 2.0)]),
    ]));
    assert_eq!(revision(&machine), before);
}

#[test]
fn a_deleted_part_leaves_and_the_last_one_leaves_its_mean_behind() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 1.0), ("z", 2.0)])]));
    let whole = machine.digest();
    machine.run(&forget("z"));
    assert_eq!(embedding(&machine, "p"), [0.5, 0.5, 0.0]);
    // Both at once: there is no order in which they leave.
    machine.run(&Command::DeleteItems {
        keys: vec!["y".into(), "x".into()],
        allow_missing: false,
    });
    assert_eq!(embedding(&machine, "p"), [0.5, 0.5, 0.0]);
    assert_eq!(parts(&machine, "p"), []);
    audit_machine(&machine);
    let last = revision(&machine);
    undo(&mut machine, &[last - 1, last], false).unwrap();
    assert_eq!(machine.digest(), whole);
    audit_machine(&machine);
}

#[test]
fn changes_of_parts_in_one_write_are_one_change_of_the_composite() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 1.0)])]));
    // On the way they cancel out.
    machine.run(&put(&[
        item("x", &[0.0, -1.0, 0.0], 1.0),
        item("y", &[1.0, 0.0, 0.0], 1.0),
    ]));
    let entry = machine.log.last().unwrap();
    let followed = entry.changes.iter().filter(|own| own.item() == Some("p"));
    assert_eq!(followed.count(), 1);
    audit_machine(&machine);
}

#[test]
fn a_change_that_makes_a_composite_cancel_out_is_refused() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 1.0)])]));
    let (digest, before) = (machine.digest(), machine.store.clone());
    for command in [
        put(&[item("y", &[-1.0, 0.0, 0.0], 1.0)]),
        put(&[
            item("n", &[-1.0, 0.0, 0.0], 1.0),
            made_of("q", &[("x", 2.0), ("n", 2.0)]),
        ]),
    ] {
        let refused = machine.apply(&command).unwrap_err();
        assert!(
            matches!(&refused, Rejection::DegenerateComposite { item, reason }
                if (item == "p" || item == "q") && reason.contains("0e0")),
            "{refused}"
        );
        assert_eq!((machine.digest(), &machine.store), (digest, &before));
    }
}

#[test]
fn parts_have_no_parts() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0)])]));
    let refused = |machine: &mut Machine, item| machine.apply(&put(&[item])).unwrap_err();
    assert_eq!(
        refused(&mut machine, made_of("q", &[("y", 1.0), ("p", 1.0)])),
        Rejection::PartIsComposite {
            index: 0,
            part: 1,
            item: "q".into(),
            key: "p".into()
        }
    );
    assert_eq!(
        refused(&mut machine, made_of("x", &[("y", 1.0)])),
        Rejection::CompositeIsPart {
            index: 0,
            item: "x".into(),
            composite: "p".into()
        }
    );
    assert_eq!(
        refused(&mut machine, made_of("q", &[("q", 1.0)])),
        Rejection::PartOfItself {
            index: 0,
            part: 0,
            item: "q".into()
        }
    );
    assert_eq!(
        refused(&mut machine, made_of("q", &[("nothing", 1.0)])),
        Rejection::PartNotFound {
            index: 0,
            part: 0,
            item: "q".into(),
            key: "nothing".into()
        }
    );
}

#[test]
fn an_item_is_a_part_of_so_many_composites_and_can_be_changed_then() {
    let mut machine = tasks();
    let keys: Vec<String> = (0..=MAX_COMPOSITES).map(|n| format!("p{n}")).collect();
    let composites = keys[..MAX_COMPOSITES].iter();
    let composites: Vec<_> = composites
        .map(|key| made_of(key, &[("x", 1.0), ("y", 1.0)]))
        .collect();
    machine.run(&put(&composites));
    let refused = machine.apply(&put(&[made_of(&keys[MAX_COMPOSITES], &[("x", 1.0)])]));
    assert_eq!(
        refused.unwrap_err(),
        Rejection::TooManyComposites {
            item: keys[MAX_COMPOSITES].clone(),
            part: "x".into()
        }
    );
    // The weight of a part of one of them is changed all the same.
    machine.run(&put(&[made_of("p7", &[("x", 2.0), ("y", 1.0)])]));
    machine.run(&put(&[item("x", &[3.0, 0.0, 0.0], 1.0)]));
    assert_eq!(embedding(&machine, "p0"), [1.5, 0.5, 0.0]);
    machine.run(&forget("x"));
    audit_machine(&machine);
    let last = revision(&machine);
    undo(&mut machine, &[last], false).unwrap();
    assert_eq!(machine.store.parts.len(), 2 * MAX_COMPOSITES);
    audit_machine(&machine);
}

#[test]
fn a_change_of_a_part_is_taken_back_though_another_part_has_changed_since() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 1.0)])]));
    machine.run(&put(&[item("x", &[9.0, 0.0, 0.0], 1.0)]));
    let wrong = revision(&machine);
    machine.run(&put(&[item("y", &[0.0, 3.0, 0.0], 1.0)]));
    undo(&mut machine, &[wrong], false).unwrap();
    assert_eq!(embedding(&machine, "p"), [0.5, 1.5, 0.0]);
    audit_machine(&machine);
}

#[test]
fn two_deleted_parts_are_brought_back_one_by_one() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 1.0)])]));
    let whole = machine.digest();
    machine.run(&forget("x"));
    machine.run(&forget("y"));
    let last = revision(&machine);
    undo(&mut machine, &[last - 1], false).unwrap();
    assert_eq!(parts(&machine, "p"), [("x".to_owned(), 1.0)]);
    assert_eq!(embedding(&machine, "p"), [1.0, 0.0, 0.0]);
    audit_machine(&machine);
    // Taken back itself, it leaves the embedding that there was between.
    let between = revision(&machine);
    undo(&mut machine, &[between], false).unwrap();
    assert_eq!(embedding(&machine, "p"), [0.0, 1.0, 0.0]);
    undo(&mut machine, &[last - 1, last], false).unwrap();
    assert_eq!(machine.digest(), whole);
}

#[test]
fn a_part_is_not_brought_back_over_an_embedding_of_its_own() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 1.0)])]));
    machine.run(&put(&[made_of("p", &[("x", 1.0)])]));
    let removed = revision(&machine);
    machine.run(&put(&[item("p", &[0.0, 0.0, 7.0], 1.0)]));
    let own = revision(&machine);
    let refused = undo(&mut machine, &[removed], false).unwrap_err();
    let Rejection::UndoConflicts(conflicts) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(
        (conflicts[0].kind, conflicts[0].by),
        (ChangeKind::PartRemoved, Some(own))
    );
    assert_eq!(conflicts[0].item, "p");
    let digest = machine.digest();
    undo(&mut machine, &[removed], true).unwrap();
    assert_eq!(machine.digest(), digest);
}

#[test]
fn a_part_that_became_composite_is_a_conflict() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 1.0)])]));
    machine.run(&put(&[made_of("p", &[("x", 1.0)])]));
    let removed = revision(&machine);
    machine.run(&put(&[made_of("y", &[("z", 1.0)])]));
    assert!(matches!(
        undo(&mut machine, &[removed], false),
        Err(Rejection::UndoConflicts(_))
    ));
    machine.run(&put(&[item("y", &[0.0, 1.0, 0.0], 1.0)]));
    machine.run(&put(&[
        item("p", &[1.0, 0.0, 0.0], 1.0),
        made_of("q", &[("p", 1.0)]),
    ]));
    assert!(matches!(
        undo(&mut machine, &[removed], false),
        Err(Rejection::UndoConflicts(_))
    ));
    audit_machine(&machine);
}

#[test]
fn a_weight_that_a_composite_got_since_does_not_keep_a_part_away() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 1.0)])]));
    machine.run(&put(&[made_of("p", &[("x", 1.0)])]));
    let removed = revision(&machine);
    machine.run(&put(&[ItemPut {
        weight: Some(3.0),
        ..known("p")
    }]));
    undo(&mut machine, &[removed], false).unwrap();
    assert_eq!(embedding(&machine, "p"), [0.5, 0.5, 0.0]);
    audit_machine(&machine);
}

/// The largest composites, and as many of them as an item can be a part of.
#[test]
fn a_part_of_the_most_and_largest_composites_can_be_changed_deleted_and_brought_back() {
    let mut machine = Machine::new(MembershipMode::Single);
    let tasks: Vec<_> = (0..MAX_PARTS)
        .map(|n| item(&format!("t{n}"), &[1.0, n as f32, 0.0], 1.0))
        .collect();
    machine.run(&put(&tasks));
    let keys: Vec<String> = tasks.iter().map(|own| own.key.clone()).collect();
    let parts: Vec<(&str, f32)> = keys.iter().map(|key| (key.as_str(), 1.0)).collect();
    let all: Vec<_> = (0..MAX_COMPOSITES)
        .map(|n| made_of(&format!("p{n}"), &parts))
        .collect();
    for some in all.chunks(20) {
        machine.run(&put(some));
    }
    let whole = machine.digest();
    machine.run(&put(&[item("t0", &[5.0, 0.0, 0.0], 1.0)]));
    machine.run(&forget("t0"));
    let last = revision(&machine);
    undo(&mut machine, &[last], false).unwrap();
    undo(&mut machine, &[last - 1], false).unwrap();
    assert_eq!(machine.digest(), whole);
}

#[test]
fn the_work_of_following_is_bounded_unless_nobody_waits() {
    let mut machine = Machine::new(MembershipMode::Single);
    let tasks: Vec<_> = (0..1000)
        .map(|n| item(&format!("t{n}"), &[1.0, n as f32, 0.0], 1.0))
        .collect();
    machine.run(&put(&tasks));
    let keys: Vec<String> = (0..1000).map(|n| format!("t{n}")).collect();
    let parts: Vec<(&str, f32)> = keys.iter().map(|key| (key.as_str(), 1.0)).collect();
    for n in 0..40 {
        machine.run(&put(&[made_of(&format!("p{n}"), &parts)]));
    }
    machine.run(&put(&[item("t0", &[5.0, 0.0, 0.0], 1.0)]));
    // Every part of every composite is removed, at the cost of a membership each.
    let embeddings: Vec<_> = (0..40)
        .map(|n| item(&format!("p{n}"), &[0.0, 0.0, 1.0], 1.0))
        .collect();
    machine.run(&put(&embeddings));
    let entry = machine.log.pop().unwrap();
    assert_eq!(entry.changes.len(), 40 * 1001);
    let more = put(&[&tasks[..], &[made_of("p0", &parts)]].concat());
    machine.run(&more);
    let all: Vec<_> = (0..60).map(|n| made_of(&format!("p{n}"), &parts)).collect();
    assert!(matches!(
        machine.apply(&put(&all)),
        Err(Rejection::TooManyMemberships { .. })
    ));
    let context = CommandContext {
        origin: &Origin::default(),
        request_id: "",
        number: 0,
        bounded: false,
        prepared: None,
    };
    let draft = Draft::new(*machine.namespace.header());
    let mut store = machine.store.clone();
    let unbounded = execute(&machine.namespace, &draft, &mut store, &put(&all), context);
    assert!(!matches!(unbounded, Err(WriteError::Rejected(_))));
}

proptest! {
    #![proptest_config(cases(150))]

    /// The wrong author changes tasks, deletes them and takes them out of projects; the right one adds
    /// tasks of their own.
    #[test]
    fn one_of_two_authors_of_projects_never_was(
        first in prop::collection::vec(vector(), 6),
        steps in prop::collection::vec((any::<bool>(), 0..3u8, 0..3u8, 0..2u8, vector()), 1..25),
    ) {
        let (mut both, mut one) = (Machine::new(MembershipMode::Single), Machine::new(MembershipMode::Single));
        let task = |author: bool, n: u8| format!("{} {n}", if author { "wrong" } else { "right" });
        let mut base = Vec::new();
        for (place, embedding) in first.iter().enumerate() {
            base.push(item(&task(place % 2 == 0, place as u8 / 2), embedding, 1.0));
        }
        // A task that keeps the projects from cancelling out.
        base.push(item("large", &[0.0, 1000.0, 0.0], 1.0));
        for n in 0..2 {
            base.push(made_of(&format!("p{n}"), &[("large", 1.0), ("right 0", 1.0), ("wrong 0", 2.0)]));
        }
        for machine in [&mut both, &mut one] {
            machine.run(&Command::PutCategories(vec![category("a", None)]));
            machine.run(&put(&base));
            machine.run(&assign(known("p0"), "a"));
        }
        let mut wrong = Vec::new();
        for (is_wrong, kind, number, project, embedding) in steps {
            let key = task(is_wrong, number);
            let command = match kind {
                0 if is_wrong => Command::DeleteItems { keys: vec![key], allow_missing: true },
                0 | 1 => put(&[item(&key, &embedding, 1.0)]),
                _ if is_wrong => {
                    let project = format!("p{project}");
                    let mut kept = parts(&both, &project);
                    kept.retain(|(own, _)| *own != key);
                    let kept: Vec<_> = kept.iter().map(|(key, weight)| (key.as_str(), *weight)).collect();
                    put(&[made_of(&project, &kept)])
                }
                _ => {
                    let project = format!("p{project}");
                    let add = |machine: &Machine| {
                        let mut own = parts(machine, &project);
                        own.retain(|(other, _)| *other != key);
                        own.push((key.clone(), 1.0 + f32::from(number)));
                        let own: Vec<_> = own.iter().map(|(key, weight)| (key.as_str(), *weight)).collect();
                        put(&[made_of(&project, &own)])
                    };
                    let (of_both, of_one) = (add(&both), add(&one));
                    both.run(&of_both);
                    one.run(&of_one);
                    continue;
                }
            };
            let before = revision(&both);
            both.run(&command);
            if !is_wrong {
                one.run(&command);
            } else if revision(&both) > before {
                wrong.push(before + 1);
            }
            audit_machine(&both);
        }
        undo(&mut both, &wrong, false).unwrap();
        audit_machine(&both);
        prop_assert_eq!(both.digest(), one.digest());
        let end = revision(&both);
        let has_undone = both.log.last().unwrap().undone.iter().any(|&own| own > 0);
        if has_undone {
            undo(&mut both, &[end], false).unwrap();
            audit_machine(&both);
            undo(&mut both, &[end + 1], false).unwrap();
            prop_assert_eq!(both.digest(), one.digest());
        }
    }
}

#[test]
fn what_only_follows_is_not_taken_back_by_itself() {
    let mut machine = tasks();
    machine.run(&put(&[made_of("p", &[("x", 1.0), ("y", 1.0)])]));
    machine.run(&put(&[item("x", &[9.0, 0.0, 0.0], 1.0)]));
    let entry = machine.log.last().unwrap().clone();
    assert!(matches!(
        entry.changes[1],
        Change::CompositeUpdated { followed: true, .. }
    ));
    let plan = plan(&machine, &[entry.revision], false);
    assert_eq!(plan.reversals.len(), 1);
}
