//! The changes of an Explain that are not made.

use ee_core::command::Rejection;
use ee_engine::{Error, Placed, WhatIf, WhatIfChange, WhatIfResult};

use crate::call_error::{CallError, Result, Violations, all};
use crate::decode::path::Path;
use crate::decode::{number, required, text};
use crate::limits::ACTOR_BYTES;
use crate::proto::v1::what_if::Change;
use crate::proto::v1::{self, ErrorReason, WhatIfCategory};

const FIELD: &str = "what_if";

/// The changes of a request. `author`: the one of a change for which it names this actor.
pub(super) fn read(
    what_ifs: Vec<v1::WhatIf>,
    author: impl Fn(String) -> String,
) -> Result<Vec<WhatIf>> {
    let read = |(index, what_if)| read_one(Path::entry(FIELD, index), what_if, &author);
    all(what_ifs.into_iter().enumerate().map(read))
}

fn read_one(
    path: Path<'_>,
    what_if: v1::WhatIf,
    author: impl Fn(String) -> String,
) -> Result<WhatIf> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("item"), &what_if.item));
    violations.check(text::text(path.then("actor"), &what_if.actor, ACTOR_BYTES));
    let change = match what_if.change {
        None => Err(required(path, "has no leaves, joins or weight")),
        Some(Change::Leaves(key)) => {
            text::key(path.then("leaves"), &key).map(|()| WhatIfChange::Leaves(key))
        }
        Some(Change::Joins(key)) => {
            text::key(path.then("joins"), &key).map(|()| WhatIfChange::Joins(key))
        }
        Some(Change::Weight(weight)) => {
            number::weight(path.then("weight"), weight).map(WhatIfChange::Weighs)
        }
    };
    Ok(WhatIf {
        change: violations.finish(change)?,
        item: what_if.item,
        actor: author(what_if.actor),
    })
}

/// The refusal of a change.
#[cold]
pub(super) fn refusal(what_ifs: &[WhatIf], index: usize, rejection: Rejection) -> CallError {
    let path = |field| format!("{FIELD}[{index}].{field}");
    match rejection {
        Rejection::ItemNotFound { key, .. } | Rejection::EmbeddingNeeded { key, .. } => {
            let text = format!("item {key:?} does not exist");
            CallError::at(ErrorReason::ItemNotFound, path("item"), text).with("item", key)
        }
        Rejection::CategoryNotFound { key, .. } => {
            let field = match what_ifs.get(index).map(|what_if| &what_if.change) {
                Some(WhatIfChange::Joins(_)) => "joins",
                _ => "leaves",
            };
            let text = format!("category {key:?} does not exist");
            CallError::at(ErrorReason::CategoryNotFound, path(field), text).with("category", key)
        }
        other => Error::Rejected(other).into(),
    }
}

/// What would be after a change.
pub(super) fn result(found: WhatIfResult) -> v1::WhatIfResult {
    let category = |(key, placed): (std::sync::Arc<str>, Option<Placed>)| WhatIfCategory {
        category: key.to_string(),
        rank: placed.map_or(0, |placed| placed.rank),
        score: placed.map(|placed| placed.score),
        rank_score: placed.map(|placed| placed.rank_score),
    };
    v1::WhatIfResult {
        changed: found.changed,
        categories: found.categories.into_iter().map(category).collect(),
        margin: found.margin,
    }
}
