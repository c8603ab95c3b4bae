//! What a namespace is described and counted by.

use serde::{Deserialize, Serialize};

use crate::arithmetic::digest::{RecordHasher, SetDigest};
use crate::settings::{
    HistoryKeep, MembershipMode, Metadata, NamespaceSettings, Normalization, RankingMode,
    RankingSettings,
};

/// Description, labels, ranking and retention of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its purpose, in words.
    pub description: String,
    /// Labels of the caller.
    pub labels: Metadata,
    /// Time of its creation, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// How it ranks, where a query does not say otherwise.
    #[serde(skip)]
    pub ranking: RankingSettings,
    /// How much of its history it keeps.
    #[serde(skip)]
    pub history_keep: HistoryKeep,
}

/// The counts and digests of a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Number of writes.
    pub revision: u64,
    /// Place of the next membership in the order of assignment; the first is 1.
    pub next_sequence: u64,
    /// Number of categories.
    pub categories: u64,
    /// Number of items.
    pub items: u64,
    /// Number of memberships.
    pub memberships: u64,
    /// Sum of the hashes of all categories.
    pub category_records: SetDigest,
    /// Sum of the hashes of all items and memberships.
    pub item_records: SetDigest,
    /// Bytes of all entries of its log so far, trimmed ones included; `None`: not counted, in a namespace
    /// from before this count. The store counts them.
    #[serde(skip)]
    pub log_bytes: Option<u64>,
    /// Number of dismissals. Where there are none, nothing looks for any.
    #[serde(skip)]
    pub dismissals: u64,
    /// Number of parts of composite items. Where there are none, nothing looks for any.
    #[serde(skip)]
    pub parts: u64,
}

impl Header {
    /// The state digest: a function of the settings, of how the namespace ranks, and of the records.
    pub fn digest(&self, settings: &NamespaceSettings, ranking: &RankingSettings) -> [u8; 32] {
        let mut hasher = RecordHasher::new("namespace");
        hasher
            .bytes(&settings.dimension.to_le_bytes())
            .bytes(settings.embedding_model.as_bytes())
            .bytes(match settings.normalization {
                Normalization::Raw => b"raw",
                Normalization::Unit => b"unit",
            })
            .bytes(match settings.membership {
                MembershipMode::Single => b"single",
                MembershipMode::Multiple => b"multiple",
            })
            .bytes(&self.categories.to_le_bytes())
            .bytes(&self.items.to_le_bytes())
            .bytes(&self.memberships.to_le_bytes())
            .bytes(&self.category_records.to_bytes())
            .bytes(&self.item_records.to_bytes());
        // A default of fairness that is written out ranks the same, and has the same digest. The
        // default ranking adds nothing.
        let (mode, fairness) = (ranking.mode, ranking.fairness());
        if (mode, fairness) == (RankingMode::Cosine, 0.0) {
            return hasher.finish();
        }
        hasher
            .bytes(match mode {
                RankingMode::Cosine => b"cosine",
                RankingMode::Local => b"local",
            })
            .bytes(&fairness.to_le_bytes())
            .finish()
    }
}
