//! The members of a category in order of assignment stand in two tables; nobody sees that.

use ee_engine::{Engine, ItemFilter};

use crate::common::*;
use crate::random::Random;

/// The members of a category, the newest first, in pages.
fn listed(engine: &Engine, category: u64) -> Vec<String> {
    let (mut keys, mut before) = (Vec::new(), None);
    loop {
        let key = format!("c{category}");
        let filter = ItemFilter::Category { key, before };
        let page = engine.items(
            &engine.handle("n").unwrap(),
            filter,
            3,
            false,
            Default::default(),
        );
        let page = page.unwrap().value;
        let Some(last) = page.last() else {
            return keys;
        };
        before = Some(last.memberships[0].sequence);
        keys.extend(page.into_iter().map(|item| item.key));
    }
}

#[test]
fn members_of_both_tables_are_listed_in_order_of_assignment() {
    const CATEGORIES: u64 = 4;
    let directory = tempdir().unwrap();
    let mut engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", CATEGORIES);
    let mut random = Random::new(5);
    let mut must = vec![Vec::new(); CATEGORIES as usize];
    for number in 0..200 {
        let item = random.below(30);
        let key = format!("i{item}");
        let category = random.below(CATEGORIES) as usize;
        if random.below(5) == 0 {
            if must.iter().flatten().any(|member| *member == key) {
                unassign(&engine, "n", item, false);
                must.iter_mut().for_each(|m| m.retain(|k| *k != key));
            }
        } else if !must[category].contains(&key) {
            assign(&engine, "n", item, category as u64);
            must.iter_mut().for_each(|m| m.retain(|k| *k != key));
            must[category].insert(0, key);
        }
        for (category, must) in must.iter().enumerate() {
            assert_eq!(listed(&engine, category as u64), *must, "step {number}");
        }
        if number % 50 == 49 {
            assert_verified(&engine, "n");
            drop(engine);
            engine = open(directory.path());
        }
    }
    let together: usize = must.iter().map(Vec::len).sum();
    assert!(together as i64 > 2 * NEW_MEMBERS, "{must:?}");
}
