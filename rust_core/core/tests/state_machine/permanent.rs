//! Regression tests: each defect as it was found.

use ee_core::command::{CategoryPut, Command, ItemPut};
use ee_core::settings::MembershipMode::{Multiple, Single};
use ee_core::settings::Metadata;

use crate::audit::audit_machine;
use crate::machine::{Group, Machine, assign, category, item, known, to};
use crate::recovery::survives_any_restart;

/// Two entries that set the weight and the embedding of the same item change it twice within one log
/// entry. A replay took the state between the two for the state before both, and a restart found
/// another digest than the recorded one.
#[test]
fn an_item_that_two_entries_of_a_batch_change_by_a_part_each_is_replayed() {
    let heavier = || ItemPut {
        weight: Some(3.0),
        ..known("x")
    };
    let turned = || ItemPut {
        embedding: Some(vec![0.0, 1.0, 0.5]),
        ..known("x")
    };
    let start = [
        Command::PutCategories(vec![category("a", None), category("b", None)]),
        assign(item("x", &[1.0, 0.0, 0.0], 1.0), "a"),
    ];
    let put = Command::PutItems(vec![heavier(), turned()]);
    let same = Command::Assign(vec![to(turned(), "a"), to(heavier(), "a")]);
    let both = Command::Assign(vec![
        to(known("x"), "b"),
        to(heavier(), "a"),
        to(turned(), "b"),
    ]);
    for (membership, last) in [
        (Single, &put),
        (Multiple, &put),
        (Single, &same),
        (Multiple, &both),
    ] {
        let commands = [start.as_slice(), std::slice::from_ref(last)].concat();
        let machine = survives_any_restart(membership, &commands);
        assert_eq!(machine.effective("a"), Some(vec![0.0, 1.0, 0.5]));
    }
}

/// A put that changes only the sign of a zero counts as no change and is not stored. It stayed in the
/// draft of the group, and the next command of the group published it: the live digest was that of a
/// record that was not stored.
#[test]
fn the_sign_of_a_zero_that_is_not_stored_is_not_published() {
    let put = |key: &str, base: [f32; 3], note: &str| CategoryPut {
        metadata: Some(Metadata::from([("note".into(), note.into())])),
        ..category(key, Some(&base))
    };
    let mut machine = Machine::new(Single);
    machine.run(&Command::PutCategories(vec![
        put("a", [1.0, 0.0, 0.0], "same"),
        put("b", [0.0, 1.0, 0.0], "old"),
    ]));
    let mut group = Group::new(&machine);
    for command in [
        Command::PutCategories(vec![
            put("a", [1.0, -0.0, 0.0], "same"),
            put("b", [0.0, 1.0, 0.0], "new"),
        ]),
        assign(item("x", &[0.0, 0.0, 1.0], 1.0), "a"),
    ] {
        let outcome = group.apply(&mut machine, &command);
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    group.publish(&mut machine);
    audit_machine(&machine);
}
