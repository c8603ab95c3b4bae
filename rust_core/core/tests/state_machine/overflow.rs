//! A command by which a sum would leave its range is rejected with the key of the category, and
//! changes nothing.

use ee_core::arithmetic::limits::{MAX_BASE_SHARE, MAX_COMPONENT, MAX_WEIGHT};
use ee_core::command::{CategoryPut, Command, ItemPut, Rejection};
use ee_core::namespace::SumOverflow;
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

fn rejected(machine: &mut Machine, command: &Command, category: &str, component: usize) {
    let before = (machine.digest(), machine.store.clone(), machine.log.clone());
    let category = category.to_owned();
    let overflow = SumOverflow {
        category,
        component,
    };
    assert_eq!(machine.apply(command), Err(overflow.into()));
    audit_machine(machine);
    let after = (machine.digest(), machine.store.clone(), machine.log.clone());
    assert_eq!(after, before);
}

#[test]
fn the_member_that_is_too_much_is_rejected_with_its_batch() {
    let mut machine = machine(Single);
    machine.run(&assign(item("x", &UP, HEAVY), "a"));
    let batch = vec![
        to(item("other", &UP, 1.0), "b"),
        to(item("x", &UP, 1.0), "b"),
        to(item("y", &UP, HEAVY), "a"),
        to(item("z", &UP, HEAVY), "a"),
    ];
    rejected(&mut machine, &Command::Assign(batch), "a", 1);
    machine.run(&assign(item("y", &DOWN, HEAVY), "a"));
    machine.run(&assign(item("z", &UP, HEAVY), "a"));
    audit_machine(&machine);
}

#[test]
fn one_member_alone_can_be_too_much() {
    let mut machine = machine(Single);
    rejected(
        &mut machine,
        &assign(item("x", &UP, MAX_WEIGHT), "a"),
        "a",
        1,
    );
    machine.run(&Command::PutItems(vec![item("x", &UP, MAX_WEIGHT)]));
    rejected(&mut machine, &assign(known("x"), "a"), "a", 1);
}

#[test]
fn a_change_of_an_item_is_rejected_if_any_of_its_categories_overflows() {
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
    rejected(
        &mut machine,
        &Command::PutItems(vec![heavier.clone()]),
        "b",
        1,
    );
    rejected(&mut machine, &assign(heavier, "a"), "b", 1);
}

#[test]
fn a_removal_that_takes_a_sum_out_of_range_is_rejected() {
    let mut machine = machine(Single);
    machine.run(&assign(item("down", &DOWN, HEAVY), "a"));
    machine.run(&assign(item("x", &UP, HEAVY), "a"));
    machine.run(&assign(item("y", &UP, HEAVY), "a"));
    rejected(&mut machine, &unassign("down", Some("a")), "a", 1);
    rejected(&mut machine, &assign(known("down"), "b"), "a", 1);
    machine.run(&unassign("x", None));
    machine.run(&unassign("down", None));
}

#[test]
fn a_base_of_any_weight_and_share_takes_nothing_from_the_range_of_the_sum() {
    let mut machine = Machine::new(Single);
    let put = |base_weight, min_base_share| {
        Command::PutCategories(vec![CategoryPut {
            base_weight: Some(base_weight),
            min_base_share: Some(min_base_share),
            ..category("a", Some(&UP))
        }])
    };
    machine.run(&put(MAX_WEIGHT, 0.0));
    // Three quarters of the range: neither base would fit into the rest.
    machine.run(&assign(item("x", &DOWN, HEAVY), "a"));
    // `weight`: that of the base in the mean.
    for (base_weight, share, weight) in [
        (MAX_WEIGHT, 0.0, f64::from(MAX_WEIGHT)),
        (1.0, MAX_BASE_SHARE, 0.999 / 0.001 * f64::from(HEAVY)),
        (0.0, MAX_BASE_SHARE, 0.999 / 0.001 * f64::from(HEAVY)),
    ] {
        machine.run(&put(base_weight, share));
        audit_machine(&machine);
        let whole = weight + f64::from(HEAVY);
        let expected = f64::from(MAX_COMPONENT) * (weight - f64::from(HEAVY)) / whole;
        let effective = machine.effective("a").expect("a mean");
        assert!((f64::from(effective[1]) / expected - 1.0).abs() < 1e-6);
        assert!((effective[0] - 1.0).abs() < 1e-6);
        let score = machine.rank(&UP).matches[0].score;
        assert!((score - 1.0).abs() < 1e-6, "{score}");
    }
    let too_much = assign(item("y", &DOWN, HEAVY), "a");
    rejected(&mut machine, &too_much, "a", 1);
}

/// 8,300 members of length 1 and a minimum base share of 0.999: a base of 8.3 million weights.
#[test]
fn the_largest_base_share_holds_for_many_ordinary_members() {
    let mut machine = Machine::new(Single);
    machine.run(&Command::PutCategories(vec![CategoryPut {
        min_base_share: Some(MAX_BASE_SHARE),
        ..category("a", Some(&[1.0, 0.0, 0.0]))
    }]));
    let members = (0..8_500).map(|i| to(item(&format!("item {i}"), &[0.0, 1.0, 0.0], 1.0), "a"));
    machine.run(&Command::Assign(members.collect()));
    let effective = machine.effective("a").expect("a mean");
    assert!((effective[0] - 0.999).abs() < 1e-6 && (effective[1] - 0.001).abs() < 1e-6);
}

/// Live sums follow the order of the writes, a rebuild follows the order of the members.
#[test]
fn a_sum_that_is_in_range_is_rebuilt_though_partial_sums_are_not() {
    let mut machine = Machine::new(Single);
    let put = |window| {
        Command::PutCategories(vec![CategoryPut {
            key: "a".into(),
            window: Some(window),
            ..CategoryPut::default()
        }])
    };
    machine.run(&Command::PutCategories(vec![category("a", None)]));
    for key in ["x", "y", "z"] {
        machine.run(&assign(item(key, &[1.0, 1.0, 0.0], HEAVY), "a"));
    }
    for (key, embedding) in [("x", &UP), ("z", &DOWN), ("y", &UP)] {
        machine.run(&Command::PutItems(vec![item(key, embedding, HEAVY)]));
    }
    let sum = machine.sum("a");
    machine.run(&put(10));
    assert_eq!(machine.sum("a"), sum);
    audit_machine(&machine);
    // Without z the other two are too much.
    rejected(&mut machine, &unassign("z", None), "a", 1);
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
    rejected(&mut machine, &wider, "a", 1);
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
    rejected(&mut machine, &put(false), "a", 1);
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
    fn at_the_edge_of_the_range_a_command_is_right_or_rejected(
        membership in membership(),
        commands in prop::collection::vec(edge(), 1..40),
    ) {
        let mut machine = machine(membership);
        for command in &commands {
            let digest = machine.digest();
            match machine.apply(command) {
                Ok(_) => {}
                Err(Rejection::SumOverflow(SumOverflow { category, component })) => {
                    prop_assert!(machine.namespace.contains(&category) && component < 3);
                    prop_assert_eq!(machine.digest(), digest);
                }
                // An item that was not put yet.
                Err(Rejection::ItemNotFound { .. }) => {}
                Err(other) => panic!("{command:?}: {other}"),
            }
            audit_machine(&machine);
        }
    }
}
