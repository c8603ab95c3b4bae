//! The state is a function of the assignments: the path to it leaves no trace, to the bit.

use std::collections::BTreeMap;

use ee_core::command::{
    Assignment, CategoryPut, Command, ItemCategory, ItemPut, PartPut, ProfileUpdate,
};
use ee_core::namespace::Item;
use ee_core::settings::{MembershipMode, RankingMode};
use proptest::prelude::*;

use crate::audit::audit_machine;
use crate::confidence::sure;
use crate::machine::{Machine, assign, forget, item, known, unassign};
use crate::members::rank_as;
use crate::strategies::{cases, commands, four_categories, membership, vector};

/// New items, each with its category.
fn assignments(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Assignment>> {
    let one = (vector(), 0.01f32..50.0, 0..4u8);
    prop::collection::vec(one, count).prop_map(|all| {
        let entry = |(i, (embedding, weight, category)): (usize, (Vec<f32>, f32, u8))| Assignment {
            item: item(&format!("new {i}"), &embedding, weight),
            category: format!("category {category}"),
        };
        all.into_iter().enumerate().map(entry).collect()
    })
}

fn sums(machine: &Machine) -> BTreeMap<String, Vec<i64>> {
    let categories = machine.namespace.categories().iter();
    categories
        .map(|c| (c.key.to_string(), machine.sum(&c.key)))
        .collect()
}

/// The assignments to categories that exist.
fn possible(machine: &Machine, mut entries: Vec<Assignment>) -> Vec<Assignment> {
    entries.retain(|e| machine.namespace.contains(&e.category));
    entries
}

/// The commands that create the contents of a store, without anything that was deleted, and set the
/// ranking, which the digest covers.
fn straight_there(machine: &Machine) -> Vec<Command> {
    let store = &machine.store;
    let puts = store.categories.values().map(|record| CategoryPut {
        key: record.key.to_string(),
        base: Some(record.base.clone()),
        base_weight: Some(record.settings.base_weight),
        window: Some(record.settings.window),
        min_base_share: Some(record.settings.min_base_share),
        frozen: Some(record.settings.frozen),
        min_score: Some(record.settings.min_score),
        max_actor_share: Some(record.settings.max_actor_share),
        metadata: Some(record.metadata.clone()),
    });
    let put = |item: &Item| {
        let parts = store.parts.values().filter(|own| own.composite == item.id);
        let parts = parts.map(|own| PartPut {
            item: store.items[&own.item].key.clone(),
            weight: own.weight,
        });
        let parts: Vec<PartPut> = parts.collect();
        ItemPut {
            key: item.key.clone(),
            embedding: parts.is_empty().then(|| item.embedding.clone()),
            parts: (!parts.is_empty()).then_some(parts),
            weight: Some(item.weight),
            metadata: Some(item.metadata.clone()),
            expected_category: None,
        }
    };
    let mut items: Vec<ItemPut> = store.items.values().map(put).collect();
    items.sort_by_key(|put| put.parts.is_some());
    let ranking = machine.namespace.profile().ranking;
    let mut commands = vec![
        Command::UpdateProfile(ProfileUpdate {
            ranking: Some(ranking.mode),
            fairness: Some(ranking.fairness()),
            ..ProfileUpdate::default()
        }),
        Command::PutCategories(puts.collect()),
        Command::PutItems(items),
    ];
    for membership in store.memberships.values() {
        let category = &store.categories[&membership.category];
        let key = category.key.to_string();
        commands.push(assign(known(&store.items[&membership.item].key), &key));
        if membership.sequence <= category.anchor {
            commands.push(Command::Reanchor { key, keep_last: 0 });
        }
    }
    for own in store.dismissals.values() {
        commands.push(Command::Dismiss {
            pairs: vec![ItemCategory {
                item: store.items[&own.item].key.clone(),
                category: store.categories[&own.category].key.to_string(),
            }],
            withdraw: false,
        });
    }
    commands
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn whatever_the_way_the_same_members_in_the_same_order_give_the_same_digest(
        membership in membership(),
        commands in commands(1..40),
        query in vector(),
    ) {
        let mut wandered = Machine::of_one_actor(membership);
        wandered.apply_all(&commands);
        let mut straight = Machine::of_one_actor(membership);
        for command in straight_there(&wandered) {
            straight.run(&command);
        }
        audit_machine(&straight);
        prop_assert_eq!(sums(&straight), sums(&wandered));
        prop_assert_eq!(straight.digest(), wandered.digest());
        prop_assert_eq!(straight.rank(&query), wandered.rank(&query));
        prop_assert_eq!(sure(&straight, &query), sure(&wandered, &query));
        for (mode, fairness) in [(RankingMode::Cosine, 0.5), (RankingMode::Local, 0.0), (RankingMode::Local, 1.0)] {
            let ranked = rank_as(&straight, &query, mode, fairness);
            prop_assert_eq!(ranked, rank_as(&wandered, &query, mode, fairness));
        }
    }

    #[test]
    fn any_order_of_assignments_gives_the_same_sums_and_digest(
        membership in membership(),
        categories in four_categories(false, true),
        (forward, shuffled) in assignments(1..20).prop_flat_map(|all| {
            (Just(all.clone()), Just(all).prop_shuffle())
        }),
        batch in 1..6usize,
    ) {
        let (mut one, mut other) = (Machine::of_one_actor(membership), Machine::of_one_actor(membership));
        one.run(&categories);
        other.run(&categories);
        one.run(&Command::Assign(forward));
        for entries in shuffled.chunks(batch) {
            other.run(&Command::Assign(entries.to_vec()));
        }
        prop_assert_eq!(sums(&one), sums(&other));
        prop_assert_eq!(one.digest(), other.digest());
    }

    #[test]
    fn a_merge_gives_what_assigning_to_the_target_would_have_given(
        membership in membership(),
        categories in four_categories(true, true),
        entries in assignments(1..20),
        again in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8), 0..10),
    ) {
        let into = |category: &str| match category {
            "category 1" | "category 2" => "category 0".to_owned(),
            other => other.to_owned(),
        };
        let (mut merged, mut straight) = (Machine::of_one_actor(membership), Machine::of_one_actor(membership));
        for machine in [&mut merged, &mut straight] {
            machine.run(&categories);
        }
        let mut tags = entries;
        if membership == MembershipMode::Multiple {
            // Items with several tags, some of them of categories that become one.
            for (which, category) in again {
                let item = known(&which.get(&tags).item.key);
                tags.push(Assignment { item, category: format!("category {category}") });
            }
        }
        for entry in &tags {
            merged.run(&Command::Assign(vec![entry.clone()]));
            let category = into(&entry.category);
            straight.run(&Command::Assign(vec![Assignment { category, ..entry.clone() }]));
        }
        merged.run(&Command::MergeCategories {
            sources: vec!["category 2".into(), "category 1".into()],
            target: "category 0".into(),
        });
        straight.run(&Command::DeleteCategories {
            keys: vec!["category 1".into(), "category 2".into()],
            allow_missing: false,
        });
        audit_machine(&merged);
        prop_assert_eq!(sums(&merged), sums(&straight));
        prop_assert_eq!(merged.digest(), straight.digest());
        let order = |machine: &Machine| -> Vec<(String, String)> {
            let store = &machine.store;
            let all = store.memberships.values();
            all.map(|own| (store.items[&own.item].key.clone(), store.categories[&own.category].key.to_string())).collect()
        };
        prop_assert_eq!(order(&merged), order(&straight));
    }

    #[test]
    fn items_that_came_and_went_leave_no_trace(
        membership in membership(),
        before in commands(1..25),
        (entries, leaving) in assignments(1..6).prop_flat_map(|all| {
            let keys: Vec<String> = all.iter().map(|e| e.item.key.clone()).collect();
            (Just(all), Just(keys).prop_shuffle())
        }),
    ) {
        let mut machine = Machine::new(membership);
        machine.apply_all(&before);
        let entries = possible(&machine, entries);
        let (digest, all) = (machine.digest(), sums(&machine));
        let came: Vec<&str> = entries.iter().map(|e| e.item.key.as_str()).collect();
        machine.run(&Command::Assign(entries.clone()));
        prop_assert_eq!(machine.digest() == digest, came.is_empty());
        for key in leaving.iter().filter(|key| came.contains(&key.as_str())) {
            machine.run(&forget(key));
        }
        audit_machine(&machine);
        prop_assert_eq!(sums(&machine), all);
        prop_assert_eq!(machine.digest(), digest);
    }

    #[test]
    fn items_from_the_inbox_go_back_without_a_trace(
        membership in membership(),
        before in commands(1..25),
        entries in assignments(1..6),
    ) {
        let mut machine = Machine::new(membership);
        machine.apply_all(&before);
        let entries = possible(&machine, entries);
        let items = entries.iter().map(|e| e.item.clone()).collect();
        machine.run(&Command::PutItems(items));
        let (digest, all) = (machine.digest(), sums(&machine));
        for entry in &entries {
            machine.run(&assign(known(&entry.item.key), &entry.category));
        }
        for entry in entries.iter().rev() {
            machine.run(&unassign(&entry.item.key, Some(&entry.category)));
        }
        prop_assert_eq!(sums(&machine), all);
        prop_assert_eq!(machine.digest(), digest);
    }

    #[test]
    fn there_and_back_is_nowhere(
        categories in four_categories(false, false),
        entries in assignments(1..8),
        moves in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8), 1..12),
        other in vector(),
    ) {
        let mut machine = Machine::of_one_actor(MembershipMode::Single);
        machine.run(&categories);
        machine.run(&Command::Assign(entries.clone()));
        let (digest, all) = (machine.digest(), sums(&machine));
        for (which, category) in &moves {
            machine.run(&assign(known(&which.get(&entries).item.key), &format!("category {category}")));
        }
        // Another embedding and weight first, then the old ones again.
        let changed = entries.iter().map(|e| item(&e.item.key, &other, 7.0)).collect();
        machine.run(&Command::PutItems(changed));
        machine.run(&Command::Assign(entries));
        audit_machine(&machine);
        prop_assert_eq!(sums(&machine), all);
        prop_assert_eq!(machine.digest(), digest);
    }

    #[test]
    fn settings_there_and_back_leave_no_trace(
        membership in membership(),
        before in commands(1..30),
        windows in prop::collection::vec(0..5u32, 1..4),
    ) {
        let mut machine = Machine::new(membership);
        machine.apply_all(&before);
        let (digest, all) = (machine.digest(), sums(&machine));
        let put = |key: &str, window, frozen| Command::PutCategories(vec![CategoryPut {
            key: key.into(),
            window: Some(window),
            frozen: Some(frozen),
            ..CategoryPut::default()
        }]);
        for view in machine.namespace.page(None, usize::MAX, false) {
            for &window in &windows {
                machine.run(&put(&view.key, window, true));
                machine.run(&put(&view.key, window, false));
            }
            machine.run(&put(&view.key, view.settings.window, view.settings.frozen));
        }
        audit_machine(&machine);
        prop_assert_eq!(sums(&machine), all);
        prop_assert_eq!(machine.digest(), digest);
    }
}
