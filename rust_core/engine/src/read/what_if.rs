//! What a ranking would be if an item left a category, joined one, or had another weight: each change
//! alone, applied to an overlay by the state machine and taken back again, so that the answer is the
//! one after such a write.

use std::sync::Arc;

use ee_core::command::{Assignment, Command, ItemPut, Unassignment};
use ee_core::namespace::Ranking;

use crate::read::overlay::{OverlayNamespace, reversals};
use crate::{Error, Result};

/// The most changes whose effect one request may ask for.
pub const WHAT_IFS: usize = 100;

/// A change that is not made.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIf {
    /// The key of a stored item.
    pub item: String,
    /// What changes.
    pub change: WhatIfChange,
    /// The author of the change.
    pub actor: String,
}

/// What changes of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum WhatIfChange {
    /// It leaves the category with this key.
    Leaves(String),
    /// It joins the category with this key; in a SINGLE namespace it leaves its own.
    Joins(String),
    /// It has this weight.
    Weighs(f32),
}

/// A ranking after a change that is not made.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIfResult {
    /// Whether the change changes anything.
    pub changed: bool,
    /// The explained categories, in their order: each with its place in the ranking, from 1, its score
    /// and its rank score; `None`: a Match leaves it out.
    pub categories: Vec<(Arc<str>, Option<Placed>)>,
    /// The lead of the first category over the second.
    pub margin: Option<f64>,
}

/// A category's place in a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// The place, from 1.
    pub rank: u64,
    /// The score.
    pub score: f64,
    /// The rank score.
    pub rank_score: f64,
}

impl WhatIf {
    fn command(&self) -> Command {
        let item = ItemPut {
            key: self.item.clone(),
            ..ItemPut::default()
        };
        match &self.change {
            WhatIfChange::Leaves(category) => Command::Unassign(vec![Unassignment {
                item: self.item.clone(),
                category: Some(category.clone()),
                delete_item: false,
                expected_category: None,
            }]),
            WhatIfChange::Joins(category) => Command::Assign(vec![Assignment {
                item,
                category: category.clone(),
            }]),
            WhatIfChange::Weighs(weight) => Command::PutItems(vec![ItemPut {
                weight: Some(*weight),
                ..item
            }]),
        }
    }
}

/// What `rank` would return after each of some changes, for some categories.
pub(super) fn answers(
    overlay: &mut OverlayNamespace,
    what_ifs: &[WhatIf],
    categories: &[Arc<str>],
    rank: impl Fn(&OverlayNamespace) -> Result<Ranking>,
) -> Result<Vec<WhatIfResult>> {
    let revision = overlay.published().header().revision;
    let mut results = Vec::with_capacity(what_ifs.len());
    for (index, what_if) in what_ifs.iter().enumerate() {
        let entry = overlay.apply(&what_if.command(), &what_if.actor, revision);
        let entry = entry.map_err(|error| match error {
            Error::Rejected(rejection) => Error::WhatIf { index, rejection },
            other => other,
        })?;
        let ranking = rank(overlay)?;
        results.push(WhatIfResult {
            changed: entry.is_some(),
            categories: categories
                .iter()
                .map(|key| (Arc::clone(key), placed(&ranking, key)))
                .collect(),
            margin: ranking.margin,
        });
        if let Some(entry) = entry {
            overlay.take_back(reversals(entry).collect(), revision)?;
        }
    }
    Ok(results)
}

fn placed(ranking: &Ranking, key: &str) -> Option<Placed> {
    let mut places = (1..).zip(&ranking.matches);
    let (rank, found) = places.find(|(_, found)| &*found.category == key)?;
    Some(Placed {
        rank,
        score: found.score,
        rank_score: found.rank_score,
    })
}
