//! The settings of namespaces and categories.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Metadata of the caller, in the order of its keys, so that equal maps have equal bytes.
pub type Metadata = BTreeMap<String, String>;

/// How the vectors of a namespace are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Normalization {
    /// Unchanged.
    Raw,
    /// Scaled to length 1.
    Unit,
}

/// In how many categories an item can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MembershipMode {
    /// At most one: an assignment moves the item.
    Single,
    /// Any number: an assignment adds a category.
    Multiple,
}

/// How the categories of a namespace are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RankingMode {
    /// By their cosine with the query.
    #[default]
    Cosine,
    /// The best few of those again, by their nearest members.
    Local,
}

/// How a namespace ranks. May be changed at any time, since it changes no sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RankingSettings {
    /// The order.
    pub mode: RankingMode,
    /// How much of what a category is expected to score for its own items is taken off its score,
    /// 0 to 1; `None`: 0 with COSINE, 0.5 with LOCAL.
    pub fairness: Option<f64>,
}

/// A fairness is never NaN.
impl Eq for RankingSettings {}

impl RankingSettings {
    /// Whether writes follow the sums of unit copies, which fairness asks for.
    pub fn keeps_unit_sums(&self) -> bool {
        self.fairness() > 0.0
    }

    /// How much fairness counts.
    pub fn fairness(&self) -> f64 {
        self.fairness.unwrap_or(match self.mode {
            RankingMode::Cosine => 0.0,
            RankingMode::Local => 0.5,
        })
    }
}

/// How much of its history a namespace keeps, at most. Changes neither sums nor answers, so the digest
/// does not cover it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryKeep {
    /// The newest revisions, 1 to [`MAX_KEPT_REVISIONS`](crate::arithmetic::limits::MAX_KEPT_REVISIONS);
    /// `None`: any number.
    pub revisions: Option<u64>,
    /// The revisions of so many seconds, 1 to
    /// [`MAX_KEPT_SECONDS`](crate::arithmetic::limits::MAX_KEPT_SECONDS); `None`: of any age.
    pub seconds: Option<u64>,
}

impl HistoryKeep {
    /// Keeps everything for ever.
    pub const ALL: Self = Self {
        revisions: None,
        seconds: None,
    };
}

/// The settings that are fixed when a namespace is created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceSettings {
    /// Components of each vector, 1 to [`MAX_DIMENSION`](crate::arithmetic::limits::MAX_DIMENSION).
    pub dimension: u32,
    /// Name of the model that the vectors come from; empty: unnamed.
    pub embedding_model: String,
    /// How vectors are stored.
    pub normalization: Normalization,
    /// In how many categories an item can be.
    pub membership: MembershipMode,
}

/// The settings of a category.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategorySettings {
    /// Weight of the base: 0, or [`MIN_WEIGHT`](crate::arithmetic::limits::MIN_WEIGHT) to
    /// [`MAX_WEIGHT`](crate::arithmetic::limits::MAX_WEIGHT).
    pub base_weight: f32,
    /// Only this many most recently assigned members count; 0: all.
    pub window: u32,
    /// The base never counts for less than this share of the whole, 0 to
    /// [`MAX_BASE_SHARE`](crate::arithmetic::limits::MAX_BASE_SHARE).
    pub min_base_share: f64,
    /// Whether members are recorded without counting.
    pub frozen: bool,
    /// A Match leaves the category out below this score, −1 to 1; `None`: at no score.
    #[serde(skip)]
    pub min_score: Option<f64>,
    /// The members that one actor has assigned weigh at most this share of the whole,
    /// [`MIN_ACTOR_SHARE`](crate::arithmetic::limits::MIN_ACTOR_SHARE) to less than 1; `None`: any.
    #[serde(skip)]
    pub max_actor_share: Option<f64>,
}

impl CategorySettings {
    /// Those of a new category for which nothing else is asked.
    pub const DEFAULT: Self = Self {
        base_weight: 1.0,
        window: 0,
        min_base_share: 0.0,
        frozen: false,
        min_score: None,
        max_actor_share: None,
    };
}

impl Default for CategorySettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
