//! A command has a bound of the memberships that it changes: other namespaces wait for it.

use ee_core::command::{Command, MAX_MEMBERSHIPS, Rejection};
use ee_core::settings::MembershipMode::{Multiple, Single};

use crate::machine::{Machine, category, item, known, to};

/// Entries of a command, at most, as callers may send.
const BATCH: u64 = 10_000;

fn deletion(keys: &[&str]) -> Command {
    Command::DeleteCategories {
        keys: keys.iter().map(|&key| key.into()).collect(),
        allow_missing: false,
    }
}

fn refused(machine: &mut Machine, command: &Command) -> (Option<String>, u64) {
    let before = (machine.digest(), machine.store.clone(), machine.log.len());
    let refusal = machine.apply(command).unwrap_err();
    let after = (machine.digest(), machine.store.clone(), machine.log.len());
    assert_eq!(after, before);
    match refusal {
        Rejection::TooManyMemberships { category, members } => (category, members),
        other => panic!("{other}"),
    }
}

#[test]
fn the_deletion_of_a_category_of_too_many_members_is_refused() {
    let mut machine = Machine::of_dimension(Single, 1);
    let puts = vec![category("large", None), category("small", None)];
    machine.run(&Command::PutCategories(puts));
    for first in (0..=MAX_MEMBERSHIPS).step_by(BATCH as usize) {
        let batch = first..(first + BATCH).min(MAX_MEMBERSHIPS + 1);
        let entries = batch.map(|n| to(item(&format!("i{n}"), &[1.0], 1.0), "large"));
        machine.run(&Command::Assign(entries.collect()));
    }
    machine.run(&Command::Assign(vec![to(item("x", &[1.0], 1.0), "small")]));
    let members = MAX_MEMBERSHIPS + 1;
    for keys in [&["large"][..], &["small", "large"]] {
        let refused = refused(&mut machine, &deletion(keys));
        assert_eq!(refused, (Some("large".into()), members));
    }
    machine.run(&deletion(&["small"]));
    assert_eq!(machine.namespace.header().memberships, members);
}

/// An entry reads all memberships of its item.
#[test]
fn a_command_that_reads_too_many_memberships_is_refused() {
    let mut machine = Machine::of_dimension(Multiple, 1);
    let keys: Vec<_> = (0..1_300).map(|n| format!("c{n}")).collect();
    let puts = keys.iter().map(|key| category(key, None));
    machine.run(&Command::PutCategories(puts.collect()));
    machine.run(&Command::PutItems(vec![item("x", &[1.0], 1.0)]));
    let all = |keys: &[String]| {
        let entries = keys.iter().map(|key| to(known("x"), key));
        Command::Assign(entries.collect())
    };
    assert_eq!(refused(&mut machine, &all(&keys)), (None, 0));
    for keys in keys.chunks(325) {
        machine.run(&all(keys));
    }
    assert_eq!(machine.namespace.header().memberships, 1_300);
    machine.run(&Command::DeleteItems {
        keys: vec!["x".into()],
        allow_missing: false,
    });
    assert_eq!(machine.namespace.header().memberships, 0);
}
