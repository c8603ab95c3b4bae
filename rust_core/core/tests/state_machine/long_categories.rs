//! Categories with more members than one read returns: results do not depend on the boundaries
//! between reads.

use ee_core::command::{Assignment, CategoryPut, Command, Outcome};
use ee_core::settings::MembershipMode::{Multiple, Single};

use crate::audit::audit_machine;
use crate::machine::{Machine, category, item, to};

/// Members are read 512 at a time.
const LENGTHS: [usize; 5] = [511, 512, 513, 1024, 1025];

fn long(membership: ee_core::settings::MembershipMode, length: usize) -> Machine {
    let mut machine = Machine::of_dimension(membership, 2);
    machine.run(&Command::PutCategories(vec![
        category("long", None),
        category("other", Some(&[1.0, 0.0])),
    ]));
    let entry = |i: usize| {
        let angle = i as f32 / 100.0;
        let put = item(&format!("item {i}"), &[angle.cos(), angle.sin()], 1.5);
        to(put, "long")
    };
    let entries: Vec<Assignment> = (0..length).map(entry).collect();
    machine.run(&Command::Assign(entries));
    machine
}

#[test]
fn sums_are_built_anew_over_every_member() {
    for length in LENGTHS {
        let mut machine = long(Single, length);
        let before = (machine.digest(), machine.sum("long"));
        let put = |window, frozen| {
            Command::PutCategories(vec![CategoryPut {
                key: "long".into(),
                window: Some(window),
                frozen: Some(frozen),
                ..CategoryPut::default()
            }])
        };
        let window = u32::try_from(length - 1).expect("a short category");
        for command in [
            put(0, true),
            put(0, false),
            put(window, false),
            Command::Reanchor {
                key: "long".into(),
                keep_last: window,
            },
            Command::Reanchor {
                key: "long".into(),
                keep_last: window + 1,
            },
            put(0, false),
        ] {
            machine.run(&command);
            audit_machine(&machine);
        }
        assert_eq!((machine.digest(), machine.sum("long")), before);
    }
}

#[test]
fn a_deleted_category_releases_every_member() {
    for length in LENGTHS {
        for membership in [Single, Multiple] {
            let mut machine = long(membership, length);
            let tagged = vec![to(crate::machine::known("item 5"), "other")];
            if membership == Multiple {
                machine.run(&Command::Assign(tagged));
            }
            let outcome = machine.run(&Command::DeleteCategories {
                keys: vec!["long".into()],
                allow_missing: false,
            });
            let unassigned = length as u64;
            assert_eq!(
                outcome,
                Outcome::DeleteCategories {
                    deleted: 1,
                    unassigned
                }
            );
            audit_machine(&machine);
            let tagged = usize::from(membership == Multiple);
            assert_eq!(machine.store.inbox.len(), length - tagged);
        }
    }
}
