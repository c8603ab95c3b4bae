//! Confidence: the oracle's, after each command, whatever was asked for before.

use ee_core::arithmetic::limits::MAX_NEIGHBOURS;
use ee_core::command::{Command, ItemPut};
use ee_core::kernels::Kernel;
use ee_core::namespace::{Match, MatchOptions, Ranking};
use ee_core::settings::{MembershipMode, RankingMode};
use proptest::prelude::*;

use crate::machine::{Machine, assign, category, forget, item, to};
use crate::members::{options, rank_with};
use crate::model::Model;
use crate::strategies::{cases, membership, unlimited_commands, vector};

fn asking(mode: RankingMode, fairness: f64) -> MatchOptions {
    MatchOptions {
        confidence: true,
        ..options(mode, fairness)
    }
}

/// All categories with their confidences.
pub(crate) fn sure(machine: &Machine, query: &[f32]) -> Ranking {
    let options = asking(RankingMode::Cosine, 0.0);
    rank_with(machine, query, &options, Kernel::best(), true)
}

fn confidences(mut ranking: Ranking) -> Vec<(String, Option<f64>)> {
    ranking.matches.sort_by(|a, b| a.category.cmp(&b.category));
    let found = ranking.matches.into_iter();
    found
        .map(|found| (found.category.to_string(), found.confidence))
        .collect()
}

fn check(model: &Model, found: &Match) -> Result<(), TestCaseError> {
    let Ok(expected) = model.confidence(&found.category, found.score) else {
        return Ok(());
    };
    prop_assert_eq!(
        found.confidence.is_some(),
        expected.is_some(),
        "{:?}",
        found
    );
    if let (Some(found), Some((least, most))) = (found.confidence, expected) {
        prop_assert!(
            least <= found && found <= most,
            "{found}: {least} to {most}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn any_commands_are_as_sure_as_the_model_is(
        membership in membership(),
        commands in unlimited_commands(1..40),
        query in vector(),
        keep in any::<bool>(),
    ) {
        let mut machine = Machine::new(membership);
        let mut model = Model::new(membership);
        for command in &commands {
            model.actor = machine.next_actor();
            let _ = machine.apply(command);
            let _ = model.apply(command);
            let options = asking(RankingMode::Cosine, 0.0);
            for found in rank_with(&machine, &query, &options, Kernel::best(), keep).matches {
                check(&model, &found)?;
            }
        }
    }

    /// It goes by the score, so neither the ranking nor fairness matters, nor when it was asked for.
    #[test]
    fn confidence_is_a_function_of_the_state(
        membership in membership(),
        commands in unlimited_commands(1..40),
        query in vector(),
        fairness in 0.0..1.0_f64,
    ) {
        let (mut eager, mut lazy) = (Machine::new(membership), Machine::new(membership));
        for command in &commands {
            let _ = eager.apply(command);
            let _ = lazy.apply(command);
            sure(&eager, &query);
        }
        let expected = confidences(sure(&lazy, &query));
        prop_assert_eq!(&confidences(sure(&eager, &query)), &expected);
        for kernel in Kernel::available() {
            let options = asking(RankingMode::Local, fairness);
            let found = rank_with(&eager, &query, &options, kernel, false);
            prop_assert_eq!(&confidences(found), &expected, "{}", kernel.name());
        }
    }
}

/// Plain matches have no confidence, and read no member.
#[test]
fn who_does_not_ask_pays_nothing() {
    let mut machine = Machine::new(MembershipMode::Single);
    machine.run(&Command::PutCategories(vec![category("c", None)]));
    machine.run(&assign(item("i", &[1.0, 0.0, 0.0], 1.0), "c"));
    let ranking = machine.rank(&[1.0, 1.0, 0.0]);
    assert_eq!(ranking.matches[0].confidence, None);
    assert!(ranking.none_reaches(0.1));
    assert_eq!(machine.namespace.member_memory().members, 0);
}

#[test]
fn the_newest_members_of_a_large_category_are_its_measure() {
    let mut machine = Machine::new(MembershipMode::Single);
    machine.run(&Command::PutCategories(vec![category(
        "c",
        Some(&[1.0, 0.0, 0.0]),
    )]));
    // The first members fit badly, and so does the query; 1,024 newer ones fit well.
    let member = |number: usize, fits: bool| -> ItemPut {
        let angle = if fits { number as f32 * 1e-4 } else { 1.5 };
        item(&format!("{number}"), &[angle.cos(), angle.sin(), 0.0], 1.0)
    };
    let bad = 200;
    let members = (0..bad + MAX_NEIGHBOURS).map(|number| to(member(number, number >= bad), "c"));
    machine.run(&Command::Assign(members.collect()));
    let query = [0.5, 1.0, 0.0];
    let confidence = |machine: &Machine| sure(machine, &query).matches[0].confidence.unwrap();
    assert_eq!(confidence(&machine), 1.0 / (MAX_NEIGHBOURS + 1) as f64);
    for number in bad..bad + 3 {
        machine.run(&forget(&format!("{number}")));
    }
    let places = (MAX_NEIGHBOURS + 1) as f64;
    let found = confidence(&machine) * places;
    assert!(
        3.0 < found && found < 4.0,
        "three older ones are among them now: {found}"
    );
}
