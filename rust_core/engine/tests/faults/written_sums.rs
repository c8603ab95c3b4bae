//! Sums are written along with later commits, the oldest first, and windows, anchors, deleted and
//! new categories come between: a load at any time finds what it needs.

use ee_core::command::{CategoryPut, Command};
use ee_engine::{Engine, Options};

use crate::common::*;
use crate::random::Random;
use crate::rounds;

const CATEGORIES: u64 = 40;

/// Assignments in a batch.
const BATCH: u64 = 250;

fn step(engine: &Engine, random: &mut Random) {
    let category = random.below(CATEGORIES);
    let key = format!("c{category}");
    let put = |window, base| {
        Command::PutCategories(vec![CategoryPut {
            key: format!("c{category}"),
            window,
            base: Some(Some(vector(base))),
            ..CategoryPut::default()
        }])
    };
    let some_window = random.pick(&[0, 0, 3, 50]);
    let commands = match random.below(12) {
        0 => vec![put(Some(some_window), random.next())],
        1 => {
            let keep_last = random.below(5) as u32;
            vec![Command::Reanchor { key, keep_last }]
        }
        2 => {
            let (keys, allow_missing) = (vec![key], false);
            let delete = Command::DeleteCategories {
                keys,
                allow_missing,
            };
            vec![delete, put(Some(some_window), 1)]
        }
        3 => (0..3)
            .map(|_| {
                Command::Unassign(vec![ee_core::command::Unassignment {
                    item: format!("i{}", random.below(100)),
                    category: None,
                    delete_item: false,
                    expected_category: None,
                }])
            })
            .collect(),
        _ => {
            // An item twice in a batch would have to say the same twice.
            let first = random.below(4) * BATCH;
            let items = first..first + BATCH;
            vec![Command::Assign(
                items
                    .map(|item| assignment(item, random.below(CATEGORIES)))
                    .collect(),
            )]
        }
    };
    for command in commands {
        // An item that is not there yet cannot leave.
        let _ = write(engine, "n", command);
    }
}

#[test]
fn a_load_at_any_time_finds_the_sums_that_it_needs() {
    for round in 0..rounds(1) {
        let directory = tempdir().unwrap();
        let options = Options {
            memory_budget: Some(20_000),
            ..Options::default()
        };
        let engine = Engine::open(directory.path(), options).unwrap();
        for name in ["n", "m"] {
            create(&engine, name);
        }
        categories(&engine, "n", CATEGORIES);
        categories(&engine, "m", 1);
        let mut random = Random::new(round);
        for number in 0..160 {
            step(&engine, &mut random);
            if number % 8 == 7 {
                // A crash now, and a load from what is on the disk.
                let crashed = tempdir().unwrap();
                crash_copy(directory.path(), crashed.path());
                let again = open(crashed.path());
                assert_eq!(view(&again, "n"), view(&engine, "n"), "{round}: {number}");
                assert_verified(&again, "n");
                // Somebody uses another namespace: this one leaves memory at times.
                if random.below(2) == 0 {
                    view(&engine, "m");
                }
            }
        }
    }
}
