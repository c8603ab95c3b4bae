//! Any commands in any order: the outcome, the embeddings and the ranking are the oracle's.

use std::collections::BTreeSet;

use ee_core::command::{Command, Outcome, Rejection};
use ee_core::command::{CommandContext, execute};
use ee_core::namespace::{CategoryView, Dismissal, Namespace};
use ee_core::scoring::Scorer;
use proptest::prelude::*;

use crate::audit::audit_machine;
use crate::machine::{Group, Machine, origin};
use crate::model::{Expected, Model, Number};
use crate::strategies::{cases, commands, membership, vector};

/// Largest difference between a direction in f32 and one in f64.
const SCORE: f64 = 1e-6;

/// Scores of the oracle that differ by less than this may be in either order.
const TIE: f64 = 2e-7;

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn any_commands_give_what_the_model_gives(
        membership in membership(),
        commands in commands(1..40),
        queries in prop::collection::vec(vector(), 3),
    ) {
        let mut machine = Machine::new(membership);
        let mut model = Model::new(membership);
        for command in &commands {
            let before = (machine.digest(), machine.store.clone(), *machine.namespace.header());
            model.actor = machine.next_actor();
            let expected = model.apply(command);
            let outcome = machine.apply(command);
            match (&outcome, &expected) {
                (Ok(outcome), Ok(expected)) => compare_outcome(command, outcome, expected),
                (Err(refusal), Err(expected)) => {
                    prop_assert_eq!(blurred(refusal), blurred(expected));
                    let after = (machine.digest(), machine.store.clone(), *machine.namespace.header());
                    prop_assert_eq!(after, before, "a refused command changed something");
                }
                _ => panic!("{command:?}\ngave {outcome:?}\nexpected {expected:?}"),
            }
            if let Ok(Outcome::Reanchor(view) | Outcome::RenameCategory { category: view, .. }) = &outcome {
                prop_assert_eq!(Some(&**view).cloned(), brief(&machine, answered(command)));
            }
            if let Ok(Outcome::MergeCategories(merged)) = &outcome {
                let target = brief(&machine, answered(command));
                prop_assert_eq!(Some(&merged.category), target.as_ref());
            }
            prop_assert_eq!(dismissed(&machine), model.dismissed.clone());
            audit_machine(&machine);
            compare_state(&machine.namespace, &model);
        }
        for query in &queries {
            compare_ranking(&machine, &model, query);
        }
        prop_assert_eq!(machine.namespace.page(None, 2, false).len(), model.categories.len().min(2));
    }

    #[test]
    fn an_answer_is_a_function_of_the_state_and_the_command(
        membership in membership(),
        commands in commands(1..25),
    ) {
        let (mut one, mut other) = (Machine::new(membership), Machine::new(membership));
        for command in &commands {
            prop_assert_eq!(one.apply(command), other.apply(command));
        }
        prop_assert_eq!(one.log, other.log);
        prop_assert_eq!(one.store, other.store);
        prop_assert_eq!(one.namespace.header(), other.namespace.header());
    }

    #[test]
    fn a_command_that_is_only_validated_has_the_same_result_and_changes_nothing(
        membership in membership(),
        commands in commands(1..25),
    ) {
        let mut machine = Machine::new(membership);
        for command in &commands {
            let (digest, mut store) = (machine.digest(), machine.store.clone());
            let group = Group::new(&machine);
            let origin = origin(machine.namespace.header().revision + 1);
            let context = CommandContext { origin: &origin, request_id: "", number: 0, bounded: true, prepared: None };
            let tried = execute(&machine.namespace, &group.draft, &mut store, command, context);
            let tried = tried.map(|mut tried| {
                tried.complete(2);
                tried
            });
            prop_assert_eq!(machine.digest(), digest);
            match (tried, machine.apply(command)) {
                (Ok(tried), Ok(outcome)) => prop_assert_eq!(tried.outcome, outcome),
                (Err(tried), Err(rejection)) => prop_assert_eq!(tried, rejection.into()),
                (tried, done) => panic!("tried {tried:?}, done {done:?}"),
            }
        }
    }
}

/// A refusal without what the model does not predict: the norm of a mean that cancels out, and which of
/// several composites is named.
fn blurred(refusal: &Rejection) -> Rejection {
    match refusal.clone() {
        Rejection::DegenerateComposite { .. } => Rejection::DegenerateComposite {
            item: String::new(),
            reason: String::new(),
        },
        Rejection::CompositeIsPart { index, item, .. } => Rejection::CompositeIsPart {
            index,
            item,
            composite: String::new(),
        },
        other => other,
    }
}

/// The dismissals in the store, by keys.
fn dismissed(machine: &Machine) -> BTreeSet<(String, String)> {
    let store = &machine.store;
    let key = |own: &Dismissal| {
        let item = store.items[&own.item].key.clone();
        (item, store.categories[&own.category].key.to_string())
    };
    store.dismissals.values().map(key).collect()
}

/// A category, as a write answers it.
fn brief(machine: &Machine, key: &str) -> Option<CategoryView> {
    let view = machine.namespace.category(key, false)?;
    Some(CategoryView {
        actor_shares: Vec::new(),
        ..view
    })
}

/// The key of the category that the command answers.
fn answered(command: &Command) -> &str {
    match command {
        Command::Reanchor { key, .. }
        | Command::RenameCategory { new_key: key, .. }
        | Command::MergeCategories { target: key, .. } => key,
        _ => panic!("{command:?} answers no category"),
    }
}

fn near(actual: Option<f64>, expected: Number, tolerance: f64) -> bool {
    match (actual, expected) {
        (_, Number::Unsure) | (None, Number::None) => true,
        (Some(actual), Number::Near(expected)) => (actual - expected).abs() <= tolerance,
        _ => false,
    }
}

fn compare_outcome(command: &Command, outcome: &Outcome, expected: &Expected) {
    let same = match (outcome, expected) {
        (Outcome::UpdateProfile { .. }, Expected::Profile)
        | (Outcome::Reanchor(_), Expected::Reanchored) => true,
        (Outcome::MergeCategories(actual), Expected::Merged(expected)) => {
            near(actual.drift_before, expected.drift_before, SCORE)
                && actual.sources.len() == expected.sources.len()
                && actual.sources.iter().zip(&expected.sources).all(
                    |(actual, (key, members, moved, cosine))| {
                        (&actual.key, actual.members, actual.moved) == (key, *members, *moved)
                            && near(actual.cosine, *cosine, SCORE)
                    },
                )
        }
        (Outcome::Dismiss(actual), Expected::Dismissed(expected)) => actual == expected,
        (Outcome::RenameCategory { changed, .. }, expected) => {
            *expected == Expected::Renamed { changed: *changed }
        }
        (Outcome::PutCategories(actual) | Outcome::PutItems(actual), Expected::Put(expected)) => {
            actual == expected
        }
        (
            Outcome::DeleteCategories {
                deleted,
                unassigned,
            },
            expected,
        ) => {
            *expected
                == Expected::DeletedCategories {
                    deleted: *deleted,
                    unassigned: *unassigned,
                }
        }
        (Outcome::DeleteItems { deleted }, expected) => {
            *expected == Expected::DeletedItems(*deleted)
        }
        (Outcome::Unassign(actual), Expected::Unassigned(expected)) => actual == expected,
        (Outcome::Assign(actual), Expected::Assigned(expected)) => {
            let Command::Assign(entries) = command else {
                panic!("{command:?} gave {outcome:?}");
            };
            assert_eq!(actual.len(), entries.len());
            assert_eq!(actual.len(), expected.len());
            let mut triples = actual.iter().zip(expected).zip(entries);
            triples.all(|((actual, expected), entry)| {
                actual.item == entry.item.key
                    && actual.category == entry.category
                    && actual.previous == expected.previous
                    && actual.changed == expected.changed
                    && actual.category_count == expected.count
                    && actual.item_created == expected.created
                    && near(actual.score_before, expected.score_before, SCORE)
                    && near(actual.category_drift, expected.drift, SCORE)
            })
        }
        _ => false,
    };
    assert!(same, "{command:?}\ngave {outcome:?}\nexpected {expected:?}");
}

fn compare_state(namespace: &Namespace, model: &Model) {
    let header = namespace.header();
    let counts = (header.categories, header.items, header.memberships);
    assert_eq!(counts, model.counts());
    assert_eq!(namespace.profile().description, model.description);
    assert_eq!(namespace.profile().ranking, model.ranking);
    assert_eq!(namespace.profile().labels, model.labels);
    let views = namespace.page(None, usize::MAX, true);
    let keys = views.iter().map(|view| &view.key);
    assert!(keys.eq(model.categories.keys()));
    for (view, (key, category)) in views.iter().zip(&model.categories) {
        assert_eq!(view.settings, category.settings);
        assert_eq!(view.metadata, category.metadata);
        assert_eq!(view.anchor, category.anchor);
        assert_eq!(view.base, category.base);
        assert_eq!(view.member_count, category.members.len() as u64);
        let (count, weight) = model.weight(key);
        assert_eq!(view.counting_count, count);
        assert!((view.counting_weight - weight).abs() <= 1e-12 * weight);
        assert!(near(view.drift, model.drift(key), SCORE), "drift of {key}");
        compare_spread(view.spread, model.spread(key));
        compare_shares(namespace, model, key);
        let expected = model.effective(key);
        match (&view.effective, expected) {
            (None, Ok(None) | Err(_)) => {}
            (Some(actual), Ok(Some(expected)) | Err(expected)) => {
                for (&actual, expected) in actual.iter().zip(expected) {
                    let apart = (f64::from(actual) - expected).abs();
                    assert!(apart <= 1e-6, "{key}: {actual} for {expected}");
                }
            }
            (actual, expected) => panic!("{key}: {actual:?} for {expected:?}"),
        }
        if count == 0 {
            assert_eq!(
                view.effective, category.base,
                "an empty category is its base"
            );
        }
    }
}

/// The shares of actors are those of the oracle, and none is above the cap.
fn compare_shares(namespace: &Namespace, model: &Model, key: &str) {
    let view = namespace.category(key, false).expect("it is listed");
    let category = &model.categories[key];
    if category.settings.max_actor_share.is_none() {
        assert_eq!(view.actor_shares, []);
        return;
    }
    let expected = model.actor_shares(key);
    assert_eq!(view.actor_shares.len(), expected.len());
    for found in &view.actor_shares {
        let share = expected[&*found.actor];
        assert!((found.share - share).abs() < 1e-9, "{found:?} for {share}");
    }
    let weights = view.actor_shares.iter().map(|found| found.weight);
    assert!(weights.is_sorted_by(|more, less| more >= less));
}

/// Near 0 the root magnifies the rounding of the sums to multiples of 2⁻⁴⁰, so there the squares
/// are compared.
fn compare_spread(actual: Option<f64>, expected: Number) {
    let squared = |number| match number {
        Number::Near(spread) => Number::Near(spread * spread),
        other => other,
    };
    assert!(
        near(actual, expected, 1e-6) || near(actual.map(|s| s * s), squared(expected), 1e-10),
        "spread {actual:?} for {expected:?}"
    );
}

fn compare_ranking(machine: &Machine, model: &Model, query: &[f32]) {
    let ranking = machine.rank(query);
    let mut scores: Vec<(String, f64)> = Vec::new();
    for found in &ranking.matches {
        let expected = model.score(query, &found.category);
        assert!(
            near(Some(found.score), expected, SCORE),
            "{}: {} for {expected:?}",
            found.category,
            found.score
        );
        assert_eq!(found.count, model.weight(&found.category).0);
        if let Number::Near(score) = expected {
            scores.push((found.category.to_string(), score));
        }
    }
    let mut rejected = false;
    for (key, category) in &model.categories {
        let found = ranking.matches.iter().any(|m| *m.category == **key);
        let least = category.settings.min_score.unwrap_or(-2.0);
        let matched = match model.score(query, key) {
            Number::None => false,
            Number::Near(score) if (score - least).abs() < SCORE => found,
            Number::Near(score) => score > least,
            Number::Unsure => found,
        };
        rejected |= !matched && model.score(query, key) != Number::None;
        assert_eq!(found, matched, "{key} in the ranking");
    }
    for pair in scores.windows(2) {
        assert!(pair[0].1 >= pair[1].1 - TIE, "{pair:?}");
    }
    for pair in ranking.matches.windows(2) {
        let ordered = pair[0].score > pair[1].score
            || (pair[0].score == pair[1].score && pair[0].category < pair[1].category);
        assert!(ordered, "{pair:?}");
    }
    // The margin is over all that are ranked, also over those below their own least score.
    if !rejected {
        let margin = match ranking.matches.as_slice() {
            [first, second, ..] => Some(first.score - second.score),
            _ => None,
        };
        assert_eq!(ranking.margin, margin);
    }
    assert!(Scorer::Cosine.query(query).is_some());
}
