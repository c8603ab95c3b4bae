//! Fairness and LOCAL: the oracle's answers, whatever is in memory, with every kernel.

use ee_core::command::{CategoryPut, Command, ProfileUpdate};
use ee_core::kernels::Kernel;
use ee_core::namespace::{Match, Ranking};
use ee_core::settings::{MembershipMode, RankingMode};
use proptest::prelude::*;

use crate::machine::{Machine, assign, forget, item, prepared};
use crate::members::{options, rank_as, rank_with};
use crate::model::Model;
use crate::strategies::{cases, membership, unlimited_commands, vector};

/// What rounding to f32 (of rows, and of equal members) may make of a rank score.
const NEAR: f64 = 1e-4;

/// What LOCAL leaves to the cosine.
const GATE: f64 = 0.15;

fn fairness() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(0.5), Just(1.0), 0.0..1.0_f64]
}

/// The parts of each rank score add up to it, and rank scores never rise.
fn check_parts(ranking: &Ranking) {
    for place in &ranking.matches {
        let parts = place.parts.as_ref().expect("they were asked for");
        let pulls: f64 = parts.neighbours.iter().map(|row| row.pull).sum();
        let sum = place.score + parts.fairness + pulls + parts.held_back;
        assert!((sum - place.rank_score).abs() < 1e-12, "{place:?}");
        let keys = parts.neighbours.iter().map(|row| row.item.as_ref());
        let members: Vec<_> = keys.clone().flatten().collect();
        assert!(members.is_sorted(), "{members:?}");
        let names = keys.skip(members.len());
        assert!(names.clone().count() <= 1 && names.flatten().count() == 0);
    }
    let scores = ranking.matches.iter().map(|place| place.rank_score);
    assert!(scores.rev().is_sorted(), "{ranking:?}");
    if let [first, second, ..] = ranking.matches.as_slice() {
        assert_eq!(ranking.margin, Some(first.rank_score - second.rank_score));
    }
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn any_commands_rank_as_the_model_does(
        membership in membership(),
        commands in unlimited_commands(1..40),
        queries in prop::collection::vec(vector(), 3),
        fairness in fairness(),
    ) {
        let mut machine = Machine::new(membership);
        let mut model = Model::new(membership);
        for command in &commands {
            model.actor = machine.next_actor();
            let _ = machine.apply(command);
            let _ = model.apply(command);
        }
        for query in &queries {
            let Some(base) = model.base_ranking(query, fairness) else {
                continue;
            };
            let found = rank_as(&machine, query, RankingMode::Cosine, fairness);
            check_parts(&found);
            compare(&found, &base)?;
            let lead = match base.as_slice() {
                [first, second, ..] => first.rank_score - second.rank_score,
                _ => f64::INFINITY,
            };
            let found = rank_as(&machine, query, RankingMode::Local, fairness);
            check_parts(&found);
            if (lead - GATE).abs() < 1e-6 {
                continue;
            }
            let expected = match lead > GATE {
                true => base,
                false => model.local_ranking(query, fairness, &base),
            };
            compare(&found, &expected)?;
        }
    }

    #[test]
    fn rows_that_follow_writes_are_those_that_are_read(
        membership in membership(),
        commands in unlimited_commands(1..40),
        query in vector(),
        fairness in fairness(),
    ) {
        let mut machine = Machine::new(membership);
        for command in &commands {
            let _ = machine.apply(command);
            let options = options(RankingMode::Local, fairness);
            let kept = rank_with(&machine, &query, &options, Kernel::best(), true);
            machine.namespace.shrink_members(0);
            prop_assert_eq!(machine.namespace.member_memory().bytes, 0);
            let read = rank_with(&machine, &query, &options, Kernel::best(), false);
            prop_assert_eq!(&kept, &read);
            prop_assert_eq!(rank_with(&machine, &query, &options, Kernel::best(), true), read);
        }
    }

    /// What fairness needs is computed when it is asked for: never, at the end, after each write, or
    /// followed since the namespace asks for it.
    #[test]
    fn fairness_is_a_function_of_the_state_whenever_it_was_asked_for(
        membership in membership(),
        commands in unlimited_commands(1..40),
        query in vector(),
        fairness in 0.1..1.0_f64,
    ) {
        let mut lazy = Machine::new(membership);
        let mut eager = Machine::new(membership);
        let mut fair = Machine::new(membership);
        let own = ProfileUpdate { fairness: Some(fairness), ..ProfileUpdate::default() };
        fair.run(&Command::UpdateProfile(own));
        for (command, actor) in commands.iter().zip(["one", "two", "three"].into_iter().cycle()) {
            // Their revisions differ, and the actors of revisions would too.
            for machine in [&mut lazy, &mut eager, &mut fair] {
                machine.actor = Some(actor);
            }
            let _ = lazy.apply(command);
            let _ = eager.apply(command);
            rank_as(&eager, &query, RankingMode::Cosine, fairness);
            if !matches!(command, Command::UpdateProfile(_)) {
                let _ = fair.apply(command);
                let options = options(RankingMode::Cosine, fairness);
                let found = fair.namespace.rank(&[prepared(&query)], &options);
                prop_assert!(found.is_ok(), "a write lost what it follows");
            }
        }
        let expected = rank_as(&lazy, &query, RankingMode::Cosine, fairness);
        prop_assert_eq!(&rank_as(&eager, &query, RankingMode::Cosine, fairness), &expected);
        prop_assert_eq!(&rank_as(&fair, &query, RankingMode::Cosine, fairness), &expected);
    }

    #[test]
    fn every_kernel_and_every_limit_give_the_same_bits(
        membership in membership(),
        commands in unlimited_commands(1..40),
        query in vector(),
        fairness in fairness(),
        limit in 0..6_usize,
        least in prop::option::of(-1.0..1.0_f64),
    ) {
        let mut machine = Machine::new(membership);
        machine.apply_all(&commands);
        for mode in [RankingMode::Cosine, RankingMode::Local] {
            let all = options(mode, fairness);
            let expected = rank_with(&machine, &query, &all, Kernel::SCALAR, true);
            for kernel in Kernel::available() {
                prop_assert_eq!(&rank_with(&machine, &query, &all, kernel, true), &expected);
            }
            let mut some = all.clone();
            (some.limit, some.min_score) = (limit, least);
            let found = rank_with(&machine, &query, &some, Kernel::best(), true);
            let reach = expected.matches.iter().filter(|place| least.is_none_or(|least| place.score >= least));
            let reach: Vec<_> = reach.take(if limit == 0 { usize::MAX } else { limit }).cloned().collect();
            prop_assert_eq!(found.matches, reach);
            prop_assert_eq!(found.margin, expected.margin);
            (some.min_score, some.min_rank_score) = (None, least);
            let found = rank_with(&machine, &query, &some, Kernel::best(), true);
            prop_assert!(found.matches.iter().all(|place| least.is_none_or(|least| place.rank_score >= least)));
        }
    }
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn a_category_is_left_out_below_its_own_least_score(
        membership in membership(),
        commands in unlimited_commands(1..40),
        query in vector(),
        own in prop::collection::vec(prop::option::of(-1.0..1.0_f64), 4),
        limit in 0..4_usize,
        least in prop::option::of(-1.0..1.0_f64),
    ) {
        let mut machine = Machine::new(membership);
        machine.apply_all(&commands);
        for mode in [RankingMode::Cosine, RankingMode::Local] {
            let mut some = options(mode, 0.0);
            let everything = rank_with(&machine, &query, &some, Kernel::best(), true);
            let category = |place: &Match| {
                let last = place.category.bytes().last().expect("keys are not empty");
                own[usize::from(last) % own.len()]
            };
            let mut strict = Machine::new(membership);
            strict.apply_all(&commands);
            let puts = everything.matches.iter().map(|place| CategoryPut {
                key: place.category.to_string(),
                min_score: Some(category(place)),
                ..CategoryPut::default()
            });
            strict.apply_all(&[Command::PutCategories(puts.collect())]);
            (some.limit, some.min_score) = (limit, least);
            let found = rank_with(&strict, &query, &some, Kernel::best(), true);
            let reach = everything.matches.iter().filter(|place| {
                [least, category(place)].iter().flatten().all(|least| place.score >= *least)
            });
            let most = if limit == 0 { usize::MAX } else { limit };
            prop_assert_eq!(found.matches, reach.take(most).cloned().collect::<Vec<_>>());
            prop_assert_eq!(found.margin, everything.margin);
        }
    }
}

fn compare(found: &Ranking, expected: &[crate::model::Placed]) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.matches.len(), expected.len());
    for (place, own) in found.matches.iter().zip(expected) {
        let same = expected.iter().find(|other| other.key == *place.category);
        let same = same.expect("it has an embedding");
        prop_assert!((place.score - same.cosine).abs() < 1e-6);
        prop_assert!(
            (place.rank_score - same.rank_score).abs() < NEAR,
            "{:?} {:?}",
            place,
            same
        );
        // In another place only where the two are as good as equal.
        prop_assert!((place.rank_score - own.rank_score).abs() < 2.0 * NEAR);
    }
    Ok(())
}

#[test]
fn of_many_members_the_newest_are_neighbours_and_one_that_leaves_is_replaced() {
    let mut machine = Machine::new(MembershipMode::Single);
    let put = |key: &str| ee_core::command::CategoryPut {
        key: key.into(),
        ..Default::default()
    };
    machine.run(&ee_core::command::Command::PutCategories(vec![
        put("a"),
        put("b"),
    ]));
    let spread = |i: usize| {
        let angle = i as f32 * 0.0002;
        [angle.cos(), angle.sin(), 0.1]
    };
    machine.run(&assign(item("first", &spread(0), 1.0), "a"));
    machine.run(&assign(item("other", &[0.9, 0.3, 0.2], 1.0), "b"));
    let query = spread(0);
    let neighbours = |machine: &Machine| {
        let ranking = rank_as(machine, &query, RankingMode::Local, 0.0);
        let place = ranking.matches.iter().find(|place| &*place.category == "a");
        let parts = place.unwrap().parts.clone().unwrap();
        parts
            .neighbours
            .into_iter()
            .map(|row| row.item.unwrap().to_string())
            .collect::<Vec<_>>()
    };
    assert!(neighbours(&machine).contains(&"first".to_owned()));
    for i in 1..1024 {
        machine.run(&assign(item(&format!("i{i:04}"), &spread(i), 1.0), "a"));
    }
    assert!(neighbours(&machine).contains(&"first".to_owned()));
    machine.run(&assign(item("newest", &spread(1024), 1.0), "a"));
    let found = neighbours(&machine);
    assert!(!found.contains(&"first".to_owned()), "1,024 are newer");
    assert_eq!(found.len(), 20);
    machine.run(&forget("i0500"));
    assert!(neighbours(&machine).contains(&"first".to_owned()));
    let kept = rank_as(&machine, &query, RankingMode::Local, 0.0);
    machine.namespace.shrink_members(0);
    assert_eq!(rank_as(&machine, &query, RankingMode::Local, 0.0), kept);
}

/// The member that a window readmits is older than the one that is the next neighbour.
#[test]
fn a_window_that_is_longer_than_the_neighbours_readmits_none_of_them() {
    let mut machine = Machine::new(MembershipMode::Single);
    machine.run(&ee_core::command::Command::PutCategories(vec![
        ee_core::command::CategoryPut {
            key: "a".into(),
            window: Some(1_026),
            ..Default::default()
        },
        ee_core::command::CategoryPut {
            key: "b".into(),
            ..Default::default()
        },
    ]));
    machine.run(&assign(item("other", &[0.9, 0.3, 0.2], 1.0), "b"));
    let spread = |i: u16| {
        let angle = f32::from(i) * 0.0002;
        [angle.cos(), angle.sin(), 0.1]
    };
    for i in 0..1_030 {
        machine.run(&assign(item(&format!("i{i:04}"), &spread(i), 1.0), "a"));
    }
    let ranking = |machine: &Machine| rank_as(machine, &spread(0), RankingMode::Local, 0.0);
    ranking(&machine);
    machine.run(&forget("i0500"));
    let kept = ranking(&machine);
    machine.namespace.shrink_members(0);
    assert_eq!(ranking(&machine), kept);
}

#[test]
fn equal_members_are_one_row_that_weighs_what_they_weigh() {
    let mut machine = Machine::new(MembershipMode::Single);
    let put = |key: &str, base: [f32; 3]| ee_core::command::CategoryPut {
        key: key.into(),
        base: Some(Some(base.to_vec())),
        ..Default::default()
    };
    let puts = vec![put("a", [1.0, 0.1, 0.0]), put("b", [1.0, -0.1, 0.0])];
    machine.run(&ee_core::command::Command::PutCategories(puts));
    machine.run(&assign(item("z", &[1.0, 0.0, 0.2], 1.5), "a"));
    for i in 0..60 {
        machine.run(&assign(
            item(&format!("copy {i}"), &[2.0, 0.0, 0.4], 0.5),
            "a",
        ));
    }
    machine.run(&assign(item("different", &[1.0, 0.3, 0.2], 1.0), "a"));
    let parts = |machine: &Machine| {
        let ranking = rank_as(machine, &[1.0, 0.0, 0.1], RankingMode::Local, 0.0);
        let place = ranking
            .matches
            .into_iter()
            .find(|place| &*place.category == "a");
        place.unwrap().parts.unwrap().neighbours
    };
    let found = parts(&machine);
    let keys: Vec<_> = found.iter().map(|row| row.item.as_deref()).collect();
    assert_eq!(keys, [Some("copy 0"), Some("different"), None]);
    machine.run(&forget("copy 0"));
    let found = parts(&machine);
    assert_eq!(found[0].item.as_deref(), Some("copy 1"));
}

#[test]
fn rows_in_memory_follow_a_write_and_are_not_read_again() {
    let mut machine = Machine::new(MembershipMode::Single);
    let put = |key: &str| ee_core::command::CategoryPut {
        key: key.into(),
        ..Default::default()
    };
    machine.run(&ee_core::command::Command::PutCategories(vec![
        put("a"),
        put("b"),
    ]));
    machine.run(&assign(item("one", &[1.0, 0.0, 0.1], 1.0), "a"));
    machine.run(&assign(item("two", &[1.0, 0.1, 0.0], 1.0), "b"));
    assert_eq!(machine.namespace.member_memory().members, 0);
    rank_as(&machine, &[1.0, 0.0, 0.0], RankingMode::Local, 0.5);
    let before = machine.namespace.member_memory();
    assert_eq!((before.categories, before.members), (2, 2));
    machine.run(&assign(item("three", &[1.0, 0.1, 0.1], 1.0), "b"));
    let after = machine.namespace.member_memory();
    assert_eq!((after.categories, after.members), (2, 3));
    assert!(after.bytes > before.bytes);
    machine.run(&forget("three"));
    machine.run(&forget("one"));
    assert_eq!(machine.namespace.member_memory().members, 1);
}
