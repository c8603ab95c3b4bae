//! A command has a bound of the memberships that it changes: other namespaces wait for it.

use ee_core::command::{Command, Rejection};
use ee_core::settings::MembershipMode::Multiple;

use crate::machine::{Machine, category, item, known, to};

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
    let before = (machine.digest(), machine.store.clone(), machine.log.len());
    let refusal = machine.apply(&all(&keys)).unwrap_err();
    assert!(matches!(
        refusal,
        Rejection::TooManyMemberships { category: None, .. }
    ));
    let after = (machine.digest(), machine.store.clone(), machine.log.len());
    assert_eq!(after, before);
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
