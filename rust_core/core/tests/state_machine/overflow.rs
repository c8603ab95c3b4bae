//! A sum that would leave its range is refused with its category's key, and nothing changes.

use ee_core::arithmetic::limits::{MAX_COMPONENT, MAX_WEIGHT};
use ee_core::command::{CategoryPut, Command, ItemPut, Refusal};
use ee_core::settings::MembershipMode::{self, Multiple, Single};
use proptest::prelude::*;
use proptest::sample::select;

use crate::audit::audit_machine;
use crate::machine::{Machine, assign, category, item, known, to, unassign};
use crate::strategies::{cases, membership};

/// With a component of ±32768 this weight is three quarters of the range of a sum.
const HEAVY: f32 = 192.0;

const UP: [f32; 3] = [1.0, MAX_COMPONENT, 0.0];
const DOWN: [f32; 3] = [1.0, -MAX_COMPONENT, 0.0];

fn machine(membership: MembershipMode) -> Machine {
    let mut machine = Machine::new(membership);
    machine.run(&Command::PutCategories(vec![
        category("a", None),
        category("b", None),
    ]));
    machine
}

fn refused(machine: &mut Machine, command: &Command, category: &str, component: usize) {
    let before = (machine.digest(), machine.store.clone(), machine.log.clone());
    let category = category.to_owned();
    let refusal = Refusal::SumOverflow {
        category,
        component,
    };
    assert_eq!(machine.apply(command), Err(refusal));
    audit_machine(machine);
    let after = (machine.digest(), machine.store.clone(), machine.log.clone());
    assert_eq!(after, before);
}

#[test]
fn the_member_too_many_is_refused_with_its_batch() {
    let mut machine = machine(Single);
    machine.run(&assign(item("x", &UP, HEAVY), "a"));
    let batch = vec![
        to(item("other", &UP, 1.0), "b"),
        to(item("x", &UP, 1.0), "b"),
        to(item("y", &UP, HEAVY), "a"),
        to(item("z", &UP, HEAVY), "a"),
    ];
    refused(&mut machine, &Command::Assign(batch), "a", 1);
    machine.run(&assign(item("y", &DOWN, HEAVY), "a"));
    machine.run(&assign(item("z", &UP, HEAVY), "a"));
    audit_machine(&machine);
}

#[test]
fn one_member_alone_can_be_too_much() {
    let mut machine = machine(Single);
    refused(
        &mut machine,
        &assign(item("x", &UP, MAX_WEIGHT), "a"),
        "a",
        1,
    );
    machine.run(&Command::PutItems(vec![item("x", &UP, MAX_WEIGHT)]));
    refused(&mut machine, &assign(known("x"), "a"), "a", 1);
}

#[test]
fn a_change_of_an_item_is_refused_by_any_of_its_categories() {
    let mut machine = machine(Multiple);
    machine.run(&assign(item("x", &UP, HEAVY), "b"));
    machine.run(&Command::Assign(vec![
        to(item("y", &UP, 1.0), "a"),
        to(known("y"), "b"),
    ]));
    let heavier = ItemPut {
        weight: Some(HEAVY),
        ..known("y")
    };
    refused(
        &mut machine,
        &Command::PutItems(vec![heavier.clone()]),
        "b",
        1,
    );
    refused(&mut machine, &assign(heavier, "a"), "b", 1);
}

#[test]
fn taking_out_what_held_a_sum_in_its_range_is_refused() {
    let mut machine = machine(Single);
    machine.run(&assign(item("down", &DOWN, HEAVY), "a"));
    machine.run(&assign(item("x", &UP, HEAVY), "a"));
    machine.run(&assign(item("y", &UP, HEAVY), "a"));
    refused(&mut machine, &unassign("down", Some("a")), "a", 1);
    refused(&mut machine, &assign(known("down"), "b"), "a", 1);
    machine.run(&unassign("x", None));
    machine.run(&unassign("down", None));
}

#[test]
fn a_base_counts_towards_the_range() {
    let mut machine = Machine::new(Single);
    let put = |base_weight, min_base_share| CategoryPut {
        base_weight: Some(base_weight),
        min_base_share: Some(min_base_share),
        ..category("a", Some(&UP))
    };
    // While nothing counts the category is its base, whatever that would weigh.
    machine.run(&Command::PutCategories(vec![put(MAX_WEIGHT, 0.0)]));
    let join = assign(item("x", &[0.0, 0.0, 1.0], 1.0), "a");
    refused(&mut machine, &join, "a", 1);
    machine.run(&Command::PutCategories(vec![put(1.0, 0.0)]));
    machine.run(&join);
    let heavy = Command::PutCategories(vec![put(MAX_WEIGHT, 0.0)]);
    refused(&mut machine, &heavy, "a", 1);
    // A share of 0.999 is a weight of 999 for each of the members'.
    let floor = Command::PutCategories(vec![put(1.0, 0.999)]);
    refused(&mut machine, &floor, "a", 1);
}

#[test]
fn a_full_window_at_the_edge_of_the_range_still_turns() {
    let mut machine = Machine::new(Single);
    machine.run(&Command::PutCategories(vec![CategoryPut {
        window: Some(1),
        ..category("a", None)
    }]));
    for key in ["x", "y", "z"] {
        machine.run(&assign(item(key, &UP, HEAVY), "a"));
    }
    let wider = Command::PutCategories(vec![CategoryPut {
        key: "a".into(),
        window: Some(2),
        ..CategoryPut::default()
    }]);
    refused(&mut machine, &wider, "a", 1);
    machine.run(&unassign("z", Some("a")));
    audit_machine(&machine);
}

#[test]
fn a_frozen_category_takes_any_member_and_thaws_only_within_the_range() {
    let mut machine = Machine::new(Single);
    let put = |frozen| {
        Command::PutCategories(vec![CategoryPut {
            frozen: Some(frozen),
            ..category("a", None)
        }])
    };
    machine.run(&put(true));
    machine.run(&assign(item("x", &UP, MAX_WEIGHT), "a"));
    refused(&mut machine, &put(false), "a", 1);
    machine.run(&unassign("x", None));
    machine.run(&put(false));
}

/// One item or category, with numbers at the edge of the range.
fn edge() -> impl Strategy<Value = Command> {
    let component = || select(vec![-MAX_COMPONENT, -1.0, 0.5, MAX_COMPONENT]);
    let embedding = || prop::collection::vec(component(), 3);
    let weight = || select(vec![1.0, 60.0, 130.0, HEAVY, 250.0]);
    let put = (0..6u8, embedding(), weight())
        .prop_map(|(i, embedding, weight)| item(&format!("item {i}"), &embedding, weight));
    let key = || select(vec!["a", "b"]);
    let shape = (
        key(),
        prop::option::of(embedding()),
        weight(),
        0..4u32,
        0..5u8,
    );
    prop_oneof![
        6 => (put.clone(), key()).prop_map(|(put, key)| assign(put, key)),
        1 => put.prop_map(|put| Command::PutItems(vec![put])),
        3 => (0..6u8).prop_map(|i| unassign(&format!("item {i}"), None)),
        1 => shape.prop_map(|(key, base, base_weight, window, frozen)| {
            Command::PutCategories(vec![CategoryPut {
                base_weight: Some(base_weight),
                window: Some(window),
                frozen: Some(frozen == 0),
                ..category(key, base.as_deref())
            }])
        }),
    ]
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn at_the_edge_of_the_range_a_command_is_right_or_refused(
        membership in membership(),
        commands in prop::collection::vec(edge(), 1..40),
    ) {
        let mut machine = machine(membership);
        for command in &commands {
            let digest = machine.digest();
            match machine.apply(command) {
                Ok(_) => {}
                Err(Refusal::SumOverflow { category, component }) => {
                    prop_assert!(machine.namespace.contains(&category) && component < 3);
                    prop_assert_eq!(machine.digest(), digest);
                }
                // Of an item that was not put yet.
                Err(Refusal::ItemNotFound { .. }) => {}
                Err(other) => panic!("{command:?}: {other}"),
            }
            audit_machine(&machine);
        }
    }
}
