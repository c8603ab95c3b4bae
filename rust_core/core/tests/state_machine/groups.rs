//! Commands that share one publication see each other, and have the effects that they have one by
//! one.

use std::collections::BTreeMap;

use ee_core::command::{CategoryPut, Command, Outcome};
use ee_core::namespace::Draft;
use proptest::prelude::*;

use crate::audit::audit_machine;
use crate::machine::{Group, Machine, assign, category, item};
use crate::strategies::{cases, commands, membership, vector};
use ee_core::settings::MembershipMode::{Multiple, Single};

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn deferred_work_of_a_batch_gives_the_same_state_as_immediate_work(
        membership in membership(),
        commands in commands(1..40),
        sizes in prop::collection::vec(1..12usize, 1..8),
        threads in 1..3usize,
        query in vector(),
    ) {
        let (mut each, mut late) = (Machine::new(membership), Machine::new(membership));
        let mut sizes = sizes.iter().cycle();
        let mut rest = commands.as_slice();
        while !rest.is_empty() {
            let size = *sizes.next().expect("it cycles");
            let (now, later) = rest.split_at(size.min(rest.len()));
            rest = later;
            let mut group = Group::new(&late);
            let mut outcomes = Vec::new();
            for command in now {
                group.apply_unfinished(&mut late, command);
                outcomes.push(each.apply(command));
            }
            group.finish(threads);
            prop_assert_eq!(&group.outcomes, &outcomes);
            group.publish(&mut late);
            audit_machine(&late);
            prop_assert_eq!(late.namespace.header(), each.namespace.header());
        }
        prop_assert_eq!(&late.store, &each.store);
        prop_assert_eq!(&late.log, &each.log);
        prop_assert_eq!(late.rank(&query), each.rank(&query));
    }

    #[test]
    fn publishing_once_is_publishing_after_each(
        membership in membership(),
        commands in commands(1..40),
        sizes in prop::collection::vec(1..12usize, 1..8),
        query in vector(),
    ) {
        let (mut each, mut once) = (Machine::new(membership), Machine::new(membership));
        let mut sizes = sizes.iter().cycle();
        let mut rest = commands.as_slice();
        while !rest.is_empty() {
            let size = *sizes.next().expect("it cycles");
            let (now, later) = rest.split_at(size.min(rest.len()));
            rest = later;
            let mut group = Group::new(&once);
            let mut rebuilt = BTreeMap::new();
            for command in now {
                let in_group = group.apply(&mut once, command);
                let mut alone = Group::new(&each);
                prop_assert_eq!(alone.apply(&mut each, command), in_group);
                prop_assert_eq!(alone.draft.header, group.draft.header);
                note_rebuilt(&alone.draft, &mut rebuilt);
                alone.publish(&mut each);
            }
            // A sum that effects do not explain must be marked to be written.
            for draft in group.draft.categories.values().flatten() {
                let expected = rebuilt.get(&draft.category.id).copied().unwrap_or(false);
                prop_assert_eq!(draft.rebuilt, expected, "{} rebuilt", draft.category.key);
            }
            group.publish(&mut once);
            audit_machine(&once);
            prop_assert_eq!(once.namespace.header(), each.namespace.header());
            prop_assert_eq!(once.namespace.profile(), each.namespace.profile());
        }
        prop_assert_eq!(&once.store, &each.store);
        prop_assert_eq!(&once.log, &each.log);
        let views = |machine: &Machine| machine.namespace.page(None, usize::MAX, true);
        prop_assert_eq!(views(&once), views(&each));
        prop_assert_eq!(once.rank(&query), each.rank(&query));
    }
}

fn note_rebuilt(draft: &Draft, rebuilt: &mut BTreeMap<i64, bool>) {
    for draft in draft.categories.values().flatten() {
        *rebuilt.entry(draft.category.id).or_default() |= draft.rebuilt;
    }
}

fn delete(key: &str) -> Command {
    Command::DeleteCategories {
        keys: vec![key.into()],
        allow_missing: false,
    }
}

#[test]
fn a_category_can_be_deleted_and_created_again_within_a_group() {
    for membership in [Single, Multiple] {
        let mut machine = Machine::new(membership);
        let create = |base: Option<&[f32]>| Command::PutCategories(vec![category("c", base)]);
        machine.run(&create(Some(&[1.0, 0.0, 0.0])));
        machine.run(&assign(item("x", &[0.0, 1.0, 0.0], 1.0), "c"));
        let first_id = machine.namespace.id_of("c");

        let mut group = Group::new(&machine);
        let commands = [
            assign(item("y", &[0.0, 1.0, 1.0], 1.0), "c"),
            delete("c"),
            create(None),
            assign(item("x", &[0.0, 0.0, 1.0], 2.0), "c"),
            delete("c"),
            create(None),
            assign(item("z", &[1.0, 1.0, 0.0], 1.0), "c"),
        ];
        for command in &commands {
            let outcome = group.apply(&mut machine, command);
            assert!(outcome.is_ok(), "{command:?}: {outcome:?}");
        }
        group.publish(&mut machine);
        audit_machine(&machine);
        assert_ne!(machine.namespace.id_of("c"), first_id);
        assert_eq!(machine.effective("c"), Some(vec![1.0, 1.0, 0.0]));
        assert_eq!(machine.store.inbox.len(), 2);
    }
}

#[test]
fn a_category_created_and_deleted_in_one_batch_leaves_no_trace() {
    let mut machine = Machine::new(Single);
    let digest = machine.digest();
    let mut group = Group::new(&machine);
    let create = Command::PutCategories(vec![category("c", None)]);
    for command in [&create, &delete("c")] {
        group.apply(&mut machine, command).expect("both are sound");
    }
    group.publish(&mut machine);
    audit_machine(&machine);
    assert_eq!(machine.digest(), digest);
    assert_eq!(machine.namespace.header().revision, 2);
}

#[test]
fn a_refused_command_in_a_group_leaves_the_others_alone() {
    let mut machine = Machine::new(Single);
    let mut group = Group::new(&machine);
    let sound = [
        Command::PutCategories(vec![category("c", None)]),
        assign(item("x", &[0.0, 1.0, 0.0], 1.0), "c"),
    ];
    group.apply(&mut machine, &sound[0]).expect("it is sound");
    let unsound = Command::PutCategories(vec![
        CategoryPut {
            frozen: Some(true),
            ..category("c", None)
        },
        CategoryPut {
            frozen: Some(false),
            ..category("c", None)
        },
    ]);
    assert!(group.apply(&mut machine, &unsound).is_err());
    let outcome = group.apply(&mut machine, &sound[1]);
    assert!(matches!(outcome, Ok(Outcome::Assign(_))));
    group.publish(&mut machine);
    audit_machine(&machine);
    assert_eq!(machine.effective("c"), Some(vec![0.0, 1.0, 0.0]));
}
