//! The settings of a category, decoded and encoded. No other module of this crate names each setting.

use ee_core::command::CategoryPut;
use ee_core::settings::CategorySettings;

use crate::call_error::{Result, Violations};
use crate::decode::number;
use crate::decode::path::Path;
use crate::proto::v1::{Category, CategoryUpdate};

/// Decodes the settings of a category to create or change.
pub(crate) fn take_update(
    path: Path<'_>,
    update: &CategoryUpdate,
    put: &mut CategoryPut,
    violations: &mut Violations,
) {
    let base_weight = |weight| number::base_weight(path.then("base_weight"), weight);
    let base_share = |share| number::base_share(path.then("min_base_share"), share);
    put.base_weight = violations.check(update.base_weight.map(base_weight).transpose());
    put.window = update.window;
    put.min_base_share = violations.check(update.min_base_share.map(base_share).transpose());
    put.frozen = update.frozen;
    put.min_score = violations.check(update.min_score.map(|s| min_score(path, s)).transpose());
    let actor_share = |share| actor_share(path, share);
    put.max_actor_share = violations.check(update.max_actor_share.map(actor_share).transpose());
}

/// The settings of a category in a snapshot.
pub(crate) fn decode(
    path: Path<'_>,
    category: &Category,
    violations: &mut Violations,
) -> CategorySettings {
    let base_weight = number::base_weight(path.then("base_weight"), category.base_weight);
    let base_share = number::base_share(path.then("min_base_share"), category.min_base_share);
    let least = category.min_score.map(|score| min_score(path, score));
    let most = category.max_actor_share;
    let most = most.map(|share| actor_share(path, share));
    CategorySettings {
        base_weight: violations.check(base_weight),
        window: category.window,
        min_base_share: violations.check(base_share),
        frozen: category.frozen,
        min_score: violations.check(least.transpose()).flatten(),
        max_actor_share: violations.check(most.transpose()).flatten(),
    }
}

/// −1, which every score reaches, removes a least score.
fn min_score(path: Path<'_>, score: f64) -> Result<Option<f64>> {
    let score = number::score(path.then("min_score"), score)?;
    // A negative zero would have another digest.
    Ok((score > -1.0).then_some(score + 0.0))
}

/// 1, which no share exceeds, removes a cap.
fn actor_share(path: Path<'_>, share: f64) -> Result<Option<f64>> {
    let share = number::actor_share(path.then("max_actor_share"), share)?;
    Ok((share < 1.0).then_some(share))
}

/// A message with the settings alone.
pub(crate) fn encode(settings: &CategorySettings) -> Category {
    Category {
        base_weight: settings.base_weight,
        window: settings.window,
        min_base_share: settings.min_base_share,
        frozen: settings.frozen,
        min_score: settings.min_score,
        max_actor_share: settings.max_actor_share,
        ..Category::default()
    }
}
