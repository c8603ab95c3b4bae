//! What readers see of a category.

use serde::{Deserialize, Serialize};

use super::Category;
use crate::scoring::{self, ActorShare, CentroidSum};
use crate::settings::{CategorySettings, Metadata};

/// A category, as a read returns it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryView {
    /// Its key.
    pub key: String,
    /// Its settings.
    pub settings: CategorySettings,
    /// Metadata of the caller.
    pub metadata: Metadata,
    /// Number of members.
    pub member_count: u64,
    /// Number of the counting members.
    pub counting_count: u64,
    /// Sum of the weights of the counting members.
    pub counting_weight: f64,
    /// 1 − cos(base, effective), 0 to 2.
    pub drift: Option<f64>,
    /// Root mean square distance of the counting members from their mean.
    pub spread: Option<f64>,
    /// Members up to this sequence do not count.
    pub anchor: u64,
    /// Time of its creation, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// The base, if the category has one and embeddings were asked for.
    pub base: Option<Vec<f32>>,
    /// The effective embedding, if the category has one and embeddings were asked for.
    pub effective: Option<Vec<f32>>,
    /// The share of each actor, the largest first, in a read of one category that caps them.
    #[serde(skip)]
    pub actor_shares: Vec<ActorShare>,
}

impl CategoryView {
    pub(super) fn new(
        category: &Category,
        centroid: &CentroidSum<'_>,
        drift: Option<f64>,
        embeddings: bool,
    ) -> Self {
        let stats = &category.stats;
        Self {
            key: category.key.to_string(),
            settings: category.settings,
            metadata: Metadata::clone(&category.metadata),
            member_count: stats.members,
            counting_count: stats.counting,
            counting_weight: stats.weight.to_f64(),
            drift,
            spread: scoring::spread(
                centroid.sum,
                stats.counting,
                stats.weight,
                stats.squares.to_f64(),
            ),
            anchor: category.anchor,
            created_ms: category.created_ms,
            base: if embeddings {
                centroid.base.map(<[f32]>::to_vec)
            } else {
                None
            },
            effective: if embeddings {
                centroid.effective()
            } else {
                None
            },
            actor_shares: Vec::new(),
        }
    }
}
