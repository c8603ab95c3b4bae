//! The worked example, with its numbers written out: a category "Health" whose name points along
//! the first axis, a gym membership along the second and meal preparation along the third.

use ee_core::command::{CategoryPut, Command, Outcome};
use ee_core::namespace::CategoryView;
use ee_core::settings::MembershipMode::Single;

use crate::audit::audit_machine;
use crate::machine::{Machine, assign, category, forget, item, known, unassign};

const HEALTH: [f32; 3] = [1.0, 0.0, 0.0];
const GYM: [f32; 3] = [0.0, 1.0, 0.0];
const MEALS: [f32; 3] = [0.0, 0.0, 1.0];

fn put(change: CategoryPut) -> Command {
    Command::PutCategories(vec![CategoryPut {
        key: "Health".into(),
        ..change
    }])
}

fn reanchor(keep_last: u32) -> Command {
    let key = "Health".into();
    Command::Reanchor { key, keep_last }
}

/// Health with its base, and Work beside it.
fn named() -> Machine {
    let mut machine = Machine::new(Single);
    machine.run(&Command::PutCategories(vec![
        category("Health", Some(&HEALTH)),
        category("Work", Some(&[0.5, -0.5, 0.0])),
    ]));
    machine
}

/// Health with gym (weight 1) and meals (weight 2).
fn taught() -> Machine {
    let mut machine = named();
    machine.run(&assign(item("gym", &GYM, 1.0), "Health"));
    machine.run(&assign(item("meals", &MEALS, 2.0), "Health"));
    machine
}

fn view(machine: &Machine) -> CategoryView {
    let view = machine.namespace.category("Health", true);
    view.expect("Health exists")
}

fn close(actual: Option<f64>, expected: f64) {
    let actual = actual.expect("there is one");
    assert!((actual - expected).abs() < 1e-7, "{actual} for {expected}");
}

fn effective(machine: &Machine, expected: [f64; 3]) {
    audit_machine(machine);
    let actual = view(machine).effective.expect("there is one");
    for (&actual, expected) in actual.iter().zip(expected) {
        assert!(
            (f64::from(actual) - expected).abs() < 1e-7,
            "{actual} for {expected}"
        );
    }
}

#[test]
fn an_empty_category_is_its_base_to_the_bit() {
    let mut machine = Machine::new(Single);
    let base = [0.1, -3.3e-5, 12_345.678];
    for base_weight in [0.0, 1.0, 3.3] {
        machine.run(&Command::PutCategories(vec![CategoryPut {
            base_weight: Some(base_weight),
            min_base_share: Some(0.3),
            ..category("Health", Some(&base))
        }]));
        let view = view(&machine);
        assert_eq!(view.effective.as_deref(), Some(base.as_slice()));
        assert_eq!((view.counting_count, view.counting_weight), (0, 0.0));
        close(view.drift, 0.0);
        assert_eq!(view.spread, None);
    }
}

#[test]
fn a_category_without_base_and_members_is_listed_and_never_matched() {
    let mut machine = Machine::new(Single);
    machine.run(&Command::PutCategories(vec![category("Health", None)]));
    let view = view(&machine);
    assert_eq!(
        (view.effective, view.drift, view.spread),
        (None, None, None)
    );
    assert!(machine.rank(&HEALTH).matches.is_empty());

    // Its first member is its whole mean.
    let outcome = machine.run(&assign(item("gym", &[0.0, 3.0, 4.0], 2.0), "Health"));
    let Outcome::Assign(outcome) = outcome else {
        panic!("an assignment");
    };
    assert_eq!(outcome[0].score_before, None);
    assert_eq!(outcome[0].category_drift, None);
    effective(&machine, [0.0, 3.0, 4.0]);
    close(
        machine
            .rank(&[0.0, 3.0, 4.0])
            .matches
            .first()
            .map(|m| m.score),
        1.0,
    );
}

#[test]
fn one_item_goes_half_way() {
    // (1·health + 1·gym) / 2
    let mut machine = named();
    machine.run(&assign(item("gym", &GYM, 1.0), "Health"));
    effective(&machine, [0.5, 0.5, 0.0]);
    close(view(&machine).drift, 1.0 - 0.5_f64.sqrt());
    assert_eq!(view(&machine).spread, Some(0.0));
}

#[test]
fn each_assignment_takes_effect_at_once() {
    // (1·health + 1·gym + 2·meals) / 4, |V| = √6
    let machine = taught();
    effective(&machine, [0.25, 0.25, 0.5]);
    let Some(found) = machine.rank(&MEALS).matches.into_iter().next() else {
        panic!("Health is matched");
    };
    assert_eq!((&*found.category, found.count), ("Health", 2));
    close(Some(found.score), 2.0 / 6.0_f64.sqrt());
    close(view(&machine).drift, 1.0 - 1.0 / 6.0_f64.sqrt());
    // The mean of the members is (0, 1/3, 2/3); gym is √8/3 away and meals √2/3.
    close(
        view(&machine).spread,
        (1.0_f64 / 3.0 * 8.0 / 9.0 + 2.0 / 3.0 * 2.0 / 9.0).sqrt(),
    );
    assert_eq!(view(&machine).counting_weight, 3.0);
}

#[test]
fn the_reply_reports_the_score_before_the_assignment() {
    let mut machine = named();
    machine.run(&assign(item("gym", &GYM, 1.0), "Health"));
    let outcome = machine.run(&assign(item("meals", &[0.0, 1.0, 1.0], 2.0), "Health"));
    let Outcome::Assign(outcome) = outcome else {
        panic!("an assignment");
    };
    // cos((0,1,1), (1,1,0)) before, and V = (1, 3, 2) after.
    close(outcome[0].score_before, 0.5);
    close(outcome[0].category_drift, 1.0 - 1.0 / 14.0_f64.sqrt());
    assert_eq!(outcome[0].category_count, 2);
    assert!(outcome[0].item_created && outcome[0].changed);
}

#[test]
fn a_heavier_base_moves_less() {
    let mut machine = taught();
    let weigh = |base_weight| {
        put(CategoryPut {
            base_weight: Some(base_weight),
            ..CategoryPut::default()
        })
    };
    machine.run(&weigh(2.0));
    effective(&machine, [0.4, 0.2, 0.4]);
    close(view(&machine).drift, 1.0 - 2.0 / 3.0);
    machine.run(&weigh(3.0));
    effective(&machine, [0.5, 1.0 / 6.0, 1.0 / 3.0]);
    machine.run(&weigh(0.0));
    effective(&machine, [0.0, 1.0 / 3.0, 2.0 / 3.0]);
    close(view(&machine).drift, 1.0);
}

#[test]
fn a_correction_is_exact_to_the_bit() {
    let mut machine = taught();
    let untaught = (machine.digest(), machine.sum("Health"), machine.sum("Work"));
    let report = item("report", &[0.3, -0.7, 0.1], 1.7);
    machine.run(&assign(report.clone(), "Health"));
    assert_ne!(machine.sum("Health"), untaught.1);
    let outcome = machine.run(&assign(known("report"), "Work"));
    let Outcome::Assign(outcome) = outcome else {
        panic!("an assignment");
    };
    assert_eq!(outcome[0].previous.as_deref(), Some("Health"));
    assert_eq!(machine.sum("Health"), untaught.1);
    effective(&machine, [0.25, 0.25, 0.5]);

    // As if the first assignment had been right.
    let mut right = taught();
    right.run(&assign(report, "Work"));
    assert_eq!(machine.digest(), right.digest());
    machine.run(&forget("report"));
    let after = (machine.digest(), machine.sum("Health"), machine.sum("Work"));
    assert_eq!(after, untaught);
}

#[test]
fn a_window_forgets_the_oldest_member_and_readmits_it_when_another_leaves() {
    let mut machine = taught();
    let window = |window| {
        put(CategoryPut {
            window: Some(window),
            ..CategoryPut::default()
        })
    };
    machine.run(&window(2));
    effective(&machine, [0.25, 0.25, 0.5]);
    machine.run(&assign(item("run", &[0.0, 1.0, 1.0], 1.0), "Health"));
    // gym no longer counts: (health + 2·meals + run) / 4
    effective(&machine, [0.25, 0.25, 0.75]);
    assert_eq!(
        (view(&machine).member_count, view(&machine).counting_count),
        (3, 2)
    );
    // meals leaves, gym counts again: (health + gym + run) / 3
    machine.run(&unassign("meals", None));
    effective(&machine, [1.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0]);
    machine.run(&window(1));
    effective(&machine, [0.5, 0.5, 0.5]);
    machine.run(&window(0));
    effective(&machine, [1.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0]);
}

#[test]
fn a_reanchor_starts_again_from_the_base() {
    let mut machine = taught();
    let Outcome::Reanchor(reply) = machine.run(&reanchor(0)) else {
        panic!("a reanchor");
    };
    assert_eq!(
        (reply.member_count, reply.counting_count, reply.anchor),
        (2, 0, 2)
    );
    assert_eq!(view(&machine).effective.as_deref(), Some(HEALTH.as_slice()));
    machine.run(&assign(item("run", &[0.0, 1.0, 1.0], 1.0), "Health"));
    effective(&machine, [0.5, 0.5, 0.5]);
    // A member behind the anchor leaves without a trace.
    machine.run(&unassign("gym", None));
    effective(&machine, [0.5, 0.5, 0.5]);
}

#[test]
fn a_reanchor_can_keep_the_last_members() {
    let mut machine = taught();
    machine.run(&reanchor(1));
    // (health + 2·meals) / 3
    effective(&machine, [1.0 / 3.0, 0.0, 2.0 / 3.0]);
    let revision = machine.namespace.header().revision;
    machine.run(&reanchor(1));
    assert_eq!(
        machine.namespace.header().revision,
        revision,
        "it was there already"
    );
    machine.run(&reanchor(2));
    effective(&machine, [0.25, 0.25, 0.5]);
    assert_eq!(view(&machine).anchor, 0);
}

#[test]
fn a_frozen_category_is_its_base_and_records_its_members() {
    let mut machine = taught();
    let freeze = |frozen| {
        put(CategoryPut {
            frozen: Some(frozen),
            ..CategoryPut::default()
        })
    };
    machine.run(&freeze(true));
    assert_eq!(view(&machine).effective.as_deref(), Some(HEALTH.as_slice()));
    assert_eq!(
        (view(&machine).member_count, view(&machine).counting_count),
        (2, 0)
    );
    machine.run(&assign(item("run", &[0.0, 1.0, 1.0], 1.0), "Health"));
    assert_eq!(view(&machine).effective.as_deref(), Some(HEALTH.as_slice()));
    machine.run(&freeze(false));
    // (health + gym + 2·meals + run) / 5
    effective(&machine, [0.2, 0.4, 0.6]);
}

#[test]
fn a_minimum_share_keeps_the_base_in_the_mean() {
    let mut machine = taught();
    machine.run(&put(CategoryPut {
        min_base_share: Some(0.5),
        ..CategoryPut::default()
    }));
    // The members weigh 3, so the base weighs 3 too: (3·health + gym + 2·meals) / 6
    effective(&machine, [0.5, 1.0 / 6.0, 1.0 / 3.0]);
    for i in 0..20 {
        machine.run(&assign(item(&format!("gym {i}"), &GYM, 1.5), "Health"));
        let mean = view(&machine).effective.expect("there is one");
        assert!((mean[0] - 0.5).abs() < 1e-6, "half of it is the name");
    }
    // A base weight above the share leaves the share without effect.
    machine.run(&put(CategoryPut {
        base_weight: Some(99.0),
        ..CategoryPut::default()
    }));
    effective(&machine, [99.0 / 132.0, 31.0 / 132.0, 2.0 / 132.0]);
}
