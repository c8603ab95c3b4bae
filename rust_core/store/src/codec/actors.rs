//! The stored form of the sums of an actor's members.

use std::sync::Arc;

use ee_core::arithmetic::fixed::WeightSum;
use ee_core::namespace::UnitCorrection;
use ee_core::scoring::ActorSum;
use serde::{Deserialize, Serialize};

use super::numbers::{sum_from_bytes, sum_to_bytes};

/// The sums of an actor's members.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredActor {
    actor: Arc<str>,
    count: u64,
    weight: WeightSum,
    sum: Vec<u8>,
    correction: StoredCorrection,
}

/// A correction, as a sum is stored.
#[derive(Serialize, Deserialize)]
enum StoredCorrection {
    Zero,
    Known(Vec<u8>),
    Unknown,
}

impl StoredActor {
    pub(super) fn of((actor, own): (&Arc<str>, &ActorSum)) -> Self {
        Self {
            actor: Arc::clone(actor),
            count: own.count,
            weight: own.weight,
            sum: sum_to_bytes(&own.sum),
            correction: match &own.correction {
                UnitCorrection::Zero => StoredCorrection::Zero,
                UnitCorrection::Known(components) => {
                    StoredCorrection::Known(sum_to_bytes(components))
                }
                UnitCorrection::Unknown => StoredCorrection::Unknown,
            },
        }
    }

    /// `None`: its bytes are not those of sums.
    pub(super) fn read(self) -> Option<(Arc<str>, ActorSum)> {
        let components = |bytes: &[u8]| {
            let is_whole = bytes.len().is_multiple_of(size_of::<i64>());
            is_whole.then(|| sum_from_bytes(bytes))
        };
        let correction = match &self.correction {
            StoredCorrection::Zero => UnitCorrection::Zero,
            StoredCorrection::Known(bytes) => UnitCorrection::Known(Arc::new(components(bytes)?)),
            StoredCorrection::Unknown => UnitCorrection::Unknown,
        };
        let sum = components(&self.sum)?;
        Some((
            self.actor,
            ActorSum::new(self.count, self.weight, sum, correction),
        ))
    }
}
