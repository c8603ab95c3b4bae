//! Interactions between the steps of a batch, each with a restart.

use ee_core::command::{Assigned, CategoryPut, Command, ItemPut, Outcome, Unassignment};
use ee_core::settings::MembershipMode::{Multiple, Single};

use crate::machine::{Machine, assign, category, forget, item, known, to, unassign};
use crate::recovery::survives_any_restart;

const X: [f32; 3] = [1.0, 0.0, 0.0];
const Y: [f32; 3] = [0.0, 1.0, 0.0];
const Z: [f32; 3] = [0.0, 0.0, 1.0];

fn windowed(key: &str, window: u32) -> Command {
    Command::PutCategories(vec![CategoryPut {
        window: Some(window),
        ..category(key, None)
    }])
}

fn frozen(key: &str, frozen: bool) -> Command {
    Command::PutCategories(vec![CategoryPut {
        key: key.into(),
        frozen: Some(frozen),
        ..CategoryPut::default()
    }])
}

fn heavier(key: &str, weight: f32) -> ItemPut {
    ItemPut {
        weight: Some(weight),
        ..known(key)
    }
}

fn turned(key: &str, embedding: [f32; 3]) -> ItemPut {
    ItemPut {
        embedding: Some(embedding.to_vec()),
        ..known(key)
    }
}

fn counts(machine: &Machine, key: &str) -> (u64, u64) {
    let view = machine.namespace.category(key, false);
    let view = view.expect("the category exists");
    (view.member_count, view.counting_count)
}

#[test]
fn an_item_changes_in_the_batch_in_which_it_joins_two_categories() {
    let machine = survives_any_restart(
        Multiple,
        &[
            Command::PutCategories(vec![
                category("a", None),
                category("b", None),
                category("c", None),
            ]),
            assign(item("x", &X, 1.0), "a"),
            Command::Assign(vec![
                to(known("x"), "b"),
                to(turned("x", Y), "c"),
                to(known("x"), "a"),
            ]),
        ],
    );
    for key in ["a", "b", "c"] {
        assert_eq!(machine.effective(key), Some(Y.to_vec()), "{key}");
    }
}

#[test]
fn an_item_changes_after_its_batch_has_pushed_it_out() {
    let machine = survives_any_restart(
        Single,
        &[
            windowed("a", 1),
            assign(item("x", &X, 1.0), "a"),
            Command::Assign(vec![to(item("y", &Y, 1.0), "a"), to(turned("x", Z), "a")]),
            unassign("y", None),
        ],
    );
    assert_eq!(machine.effective("a"), Some(Z.to_vec()), "x as it is now");
}

#[test]
fn an_item_is_pushed_out_after_its_batch_has_changed_it() {
    let machine = survives_any_restart(
        Single,
        &[
            windowed("a", 1),
            assign(item("x", &X, 1.0), "a"),
            Command::Assign(vec![to(turned("x", Z), "a"), to(item("y", &Y, 1.0), "a")]),
            Command::PutItems(vec![heavier("x", 5.0)]),
        ],
    );
    assert_eq!(machine.effective("a"), Some(Y.to_vec()));
    assert_eq!(counts(&machine, "a"), (2, 1));
}

#[test]
fn an_item_that_was_pushed_out_is_deleted_later() {
    let start = [
        windowed("a", 2),
        Command::Assign(vec![
            to(item("x", &X, 1.0), "a"),
            to(item("y", &Y, 1.0), "a"),
            to(item("z", &Z, 2.0), "a"),
        ]),
        Command::PutItems(vec![turned("x", Y)]),
    ];
    for last in [
        forget("x"),
        Command::DeleteItems {
            keys: vec!["x".into(), "y".into()],
            allow_missing: false,
        },
        Command::DeleteItems {
            keys: vec!["z".into(), "x".into(), "z".into()],
            allow_missing: false,
        },
    ] {
        survives_any_restart(Single, &[start.as_slice(), &[last]].concat());
    }
}

#[test]
fn deleting_several_members_readmits_only_those_that_stay() {
    let machine = survives_any_restart(
        Single,
        &[
            windowed("a", 1),
            Command::Assign(vec![
                to(item("x", &X, 1.0), "a"),
                to(item("y", &Y, 1.0), "a"),
                to(item("z", &Z, 1.0), "a"),
            ]),
            Command::DeleteItems {
                keys: vec!["z".into(), "y".into()],
                allow_missing: false,
            },
        ],
    );
    assert_eq!(machine.effective("a"), Some(X.to_vec()));
}

#[test]
fn tags_that_are_deleted_leave_their_items_in_the_other_tags() {
    let machine = survives_any_restart(
        Multiple,
        &[
            Command::PutCategories(vec![
                category("a", None),
                category("b", None),
                category("c", None),
            ]),
            Command::Assign(vec![
                to(item("x", &X, 1.0), "a"),
                to(known("x"), "b"),
                to(item("y", &Y, 1.0), "b"),
                to(item("z", &Z, 1.0), "c"),
            ]),
            Command::DeleteCategories {
                keys: vec!["b".into(), "b".into(), "c".into()],
                allow_missing: false,
            },
        ],
    );
    assert_eq!(machine.namespace.header().memberships, 1);
    let inbox = machine.store.inbox.iter().copied();
    let expected = ["y", "z"].map(|key| machine.store.item_id(key).expect("it is stored"));
    assert!(inbox.eq(expected));
}

#[test]
fn a_frozen_window_is_filled_by_the_members_since() {
    let machine = survives_any_restart(
        Single,
        &[
            windowed("a", 2),
            Command::Assign(vec![
                to(item("x", &X, 1.0), "a"),
                to(item("y", &Y, 1.0), "a"),
            ]),
            frozen("a", true),
            assign(item("z", &Z, 1.0), "a"),
            Command::PutItems(vec![turned("y", X), heavier("z", 3.0)]),
            unassign("x", Some("a")),
            frozen("a", false),
        ],
    );
    assert_eq!(counts(&machine, "a"), (2, 2));
    assert_eq!(machine.effective("a"), Some(vec![0.25, 0.0, 0.75]));
}

#[test]
fn a_kept_member_that_leaves_readmits_no_member_behind_the_anchor() {
    let mut commands = vec![
        windowed("a", 2),
        Command::Assign(vec![
            to(item("w", &X, 1.0), "a"),
            to(item("x", &X, 1.0), "a"),
            to(item("y", &Y, 1.0), "a"),
            to(item("z", &Z, 1.0), "a"),
        ]),
        Command::Reanchor {
            key: "a".into(),
            keep_last: 2,
        },
        unassign("z", Some("a")),
    ];
    let machine = survives_any_restart(Single, &commands);
    assert_eq!(counts(&machine, "a"), (3, 1));
    assert_eq!(machine.effective("a"), Some(Y.to_vec()));

    // A member behind the anchor leaves without a trace, and can return as the newest.
    commands.push(unassign("w", Some("a")));
    commands.push(assign(known("w"), "a"));
    let machine = survives_any_restart(Single, &commands);
    assert_eq!(machine.effective("a"), Some(vec![0.5, 0.5, 0.0]));
}

#[test]
fn a_weight_alone_moves_every_category_of_the_item() {
    let machine = survives_any_restart(
        Multiple,
        &[
            Command::PutCategories(vec![category("a", Some(&Y)), category("b", Some(&Z))]),
            Command::Assign(vec![to(item("x", &X, 1.0), "a"), to(known("x"), "b")]),
            Command::PutItems(vec![heavier("x", 3.0)]),
        ],
    );
    assert_eq!(machine.effective("a"), Some(vec![0.75, 0.25, 0.0]));
    assert_eq!(machine.effective("b"), Some(vec![0.75, 0.0, 0.25]));
}

#[test]
fn the_same_entry_twice_in_a_batch_changes_the_item_once_and_reports_it_once() {
    for membership in [Single, Multiple] {
        let mut machine = Machine::new(membership);
        machine.run(&Command::PutCategories(vec![category("a", Some(&Y))]));
        let twice = vec![to(item("x", &X, 1.0), "a"); 2];
        let first = Assigned {
            item: "x".into(),
            category: "a".into(),
            previous: None,
            changed: true,
            score_before: Some(0.0),
            category_count: 1,
            category_drift: machine_drift(),
            item_created: true,
        };
        let second = Assigned {
            previous: Some("a".into()),
            changed: false,
            score_before: first.category_drift.map(|drift| 1.0 - drift),
            item_created: false,
            ..first.clone()
        };
        let outcome = machine.run(&Command::Assign(twice.clone()));
        assert_eq!(outcome, Outcome::Assign(vec![first, second.clone()]));
        let (digest, revision) = (machine.digest(), machine.namespace.header().revision);
        let outcome = machine.run(&Command::Assign(twice));
        assert_eq!(outcome, Outcome::Assign(vec![second; 2]));
        assert_eq!(machine.digest(), digest);
        assert_eq!(machine.namespace.header().revision, revision);

        let out = vec![
            Unassignment {
                item: "x".into(),
                category: None,
                delete_item: true,
                expected_category: None,
            };
            2
        ];
        let Outcome::Unassign(outcomes) = machine.run(&Command::Unassign(out)) else {
            panic!("an unassignment");
        };
        let changed: Vec<_> = outcomes
            .iter()
            .map(|o| (o.changed, o.item_deleted))
            .collect();
        assert_eq!(changed, [(true, true), (false, true)]);
        assert_eq!(outcomes[0].previous, ["a"]);
        assert!(outcomes[1].previous.is_empty());
    }
}

/// 1 − cos(45°), as computed from the row of x + y in f32.
fn machine_drift() -> Option<f64> {
    let mut machine = Machine::new(Single);
    machine.run(&Command::PutCategories(vec![category("a", Some(&Y))]));
    machine.run(&assign(item("x", &X, 1.0), "a"));
    let drift = machine.namespace.category("a", false)?.drift?;
    assert!((drift - (1.0 - 0.5_f64.sqrt())).abs() < 1e-7);
    Some(drift)
}
