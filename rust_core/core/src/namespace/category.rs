//! One category: what is kept of it in memory, its draft while it changes, and the view of it.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::arithmetic::digest::{RecordHash, RecordHasher, SetDigest};
use crate::arithmetic::fixed::{self, Overflow, SquareSum, WeightSum};
use crate::arithmetic::vector;
use crate::command::Refusal;
use crate::namespace::CategoryRecord;
use crate::ranking::UnitRow;
use crate::scoring::{self, Parts};
use crate::settings::{CategorySettings, Metadata};

/// What a category has absorbed, apart from the sum itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    /// Number of members.
    pub members: u64,
    /// Number of those that count.
    pub counting: u64,
    /// Σ wᵢ over those that count.
    pub weight: WeightSum,
    /// Σ wᵢ·|xᵢ|² over those that count.
    pub squares: SquareSum,
}

impl Absorbed {
    /// Does again to this and to its sum what a log entry did; see [`fixed::replay`].
    pub(crate) fn replay(&mut self, sum: &mut [i64], weight: f32, embedding: &[f32], minus: bool) {
        fixed::replay(sum, f64::from(weight), embedding, minus);
        let norm_squared = vector::norm_squared(embedding);
        if minus {
            self.counting = self.counting.wrapping_sub(1);
            self.weight = self.weight.minus(weight);
            self.squares = self.squares.minus(weight, norm_squared);
        } else {
            self.counting = self.counting.wrapping_add(1);
            self.weight = self.weight.plus(weight);
            self.squares = self.squares.plus(weight, norm_squared);
        }
    }
}

/// A category, apart from its vectors, which are rows of the namespace's matrices.
#[derive(Clone, Debug)]
pub struct Category {
    /// The store's identifier, never used again for another category.
    pub id: i64,
    /// Its key.
    pub key: Arc<str>,
    /// Its settings.
    pub settings: CategorySettings,
    /// Data of the caller's own.
    pub metadata: Arc<Metadata>,
    /// Whether it has a base.
    pub has_base: bool,
    /// When it was created.
    pub created_ms: i64,
    /// Members up to this sequence have been left behind by a reanchor.
    pub anchor: u64,
    /// Members from this sequence on count (unless it is frozen); the window moves it.
    pub counting_from: u64,
    /// What it has absorbed.
    pub absorbed: Absorbed,
    /// Its record's hash in the digest.
    pub hash: RecordHash,
}

impl Category {
    /// Whether a member with this place in the order of assignment counts.
    pub fn counts(&self, sequence: u64) -> bool {
        !self.settings.frozen && sequence >= self.counting_from
    }
}

/// A category while it changes: all of it, in one place.
#[derive(Clone, Debug)]
pub struct CategoryDraft {
    /// All but the vectors.
    pub category: Category,
    /// The base.
    pub base: Option<Vec<f32>>,
    /// Σ wᵢ·xᵢ over the counting members.
    pub sum: Vec<i64>,
    /// Whether anything differs from what is published.
    pub changed: bool,
    /// Whether its sum was built anew rather than changed by effects, and so must be written.
    pub rebuilt: bool,
    direction: Direction,
    /// Whether its hash is that of another state than this.
    stale: bool,
    /// Entries that have still to be told its drift as it is now.
    asking: Vec<Asking>,
    /// Entries that have been told it, as it was then.
    told: Vec<Told>,
}

/// The direction of a category, as far as it has been computed since the last change.
#[derive(Clone, Debug)]
enum Direction {
    Unknown,
    /// What it is the direction of: that it exists can no longer fail.
    Of(Option<Vec<i64>>),
    Known(Option<UnitRow>),
}

/// Who asks for a category's drift: an entry of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Number of the command in its group.
    pub command: usize,
    /// The entry's place in the command.
    pub entry: usize,
}

/// Who has asked, and the answer.
pub type Told = (Asking, Option<f64>);

impl CategoryDraft {
    /// A draft of a published category, or of one that was just read from the store.
    pub fn new(category: Category, base: Option<Vec<f32>>, sum: Vec<i64>) -> Self {
        Self {
            category,
            base,
            sum,
            changed: false,
            rebuilt: false,
            direction: Direction::Unknown,
            stale: false,
            asking: Vec::new(),
            told: Vec::new(),
        }
    }

    /// A new category that has absorbed nothing.
    pub fn create(id: i64, record: CategoryRecord, dimension: usize) -> Self {
        let category = Category {
            id,
            key: record.key,
            settings: record.settings,
            metadata: shared(record.metadata),
            has_base: record.base.is_some(),
            created_ms: record.created_ms,
            anchor: record.anchor,
            counting_from: record.anchor + 1,
            absorbed: Absorbed::default(),
            hash: RecordHash::default(),
        };
        Self::new(category, record.base, vec![0; dimension])
    }

    /// What the store keeps of it.
    pub fn record(&self) -> CategoryRecord {
        CategoryRecord {
            key: Arc::clone(&self.category.key),
            settings: self.category.settings,
            base: self.base.clone(),
            metadata: Metadata::clone(&self.category.metadata),
            anchor: self.category.anchor,
            created_ms: self.category.created_ms,
        }
    }

    /// Marks it as changed; its direction and its hash will be computed again. Whoever asks for
    /// its drift as it was must have been told.
    pub fn touch(&mut self) {
        debug_assert!(self.asking.is_empty());
        self.changed = true;
        self.stale = true;
        self.direction = Direction::Unknown;
    }

    /// A member begins to count.
    pub fn absorb(&mut self, weight: f32, embedding: &[f32]) -> Result<(), Refusal> {
        fixed::add(&mut self.sum, f64::from(weight), embedding).map_err(|e| self.overflow(e))?;
        let absorbed = &mut self.category.absorbed;
        absorbed.counting += 1;
        absorbed.weight = absorbed.weight.plus(weight);
        absorbed.squares = absorbed
            .squares
            .plus(weight, vector::norm_squared(embedding));
        self.touch();
        Ok(())
    }

    /// A member stops counting.
    pub fn forget(&mut self, weight: f32, embedding: &[f32]) -> Result<(), Refusal> {
        fixed::subtract(&mut self.sum, f64::from(weight), embedding)
            .map_err(|e| self.overflow(e))?;
        let absorbed = &mut self.category.absorbed;
        absorbed.counting -= 1;
        absorbed.weight = absorbed.weight.minus(weight);
        absorbed.squares = absorbed
            .squares
            .minus(weight, vector::norm_squared(embedding));
        self.touch();
        Ok(())
    }

    /// Nothing counts any more; members stay members.
    pub fn clear(&mut self) {
        self.sum.fill(0);
        let members = self.category.absorbed.members;
        self.category.absorbed = Absorbed {
            members,
            ..Absorbed::default()
        };
        self.touch();
    }

    /// Finds out whether its direction can be computed.
    pub fn check(&mut self) -> Result<(), Refusal> {
        if matches!(self.direction, Direction::Unknown) {
            let numerator = self.parts().numerator().map_err(|e| self.overflow(e))?;
            self.direction = Direction::Of(numerator);
        }
        Ok(())
    }

    /// The direction that queries are compared with.
    pub fn row(&mut self) -> Result<Option<&UnitRow>, Refusal> {
        self.check()?;
        if let Direction::Of(numerator) = &self.direction {
            let row = numerator.as_deref().and_then(UnitRow::from_numerator);
            self.direction = Direction::Known(row);
        }
        Ok(self.known_row())
    }

    /// The direction, where it has been computed.
    pub(crate) fn known_row(&self) -> Option<&UnitRow> {
        match &self.direction {
            Direction::Known(row) => row.as_ref(),
            _ => None,
        }
    }

    /// How far it has moved from its base.
    pub fn drift(&mut self) -> Result<Option<f64>, Refusal> {
        self.row()?;
        Ok(scoring::drift(self.base.as_deref(), self.known_row()))
    }

    /// Tells an entry the drift as it is now, though maybe later. Not between a change and the
    /// [`check`](Self::check) of it.
    pub fn ask(&mut self, asking: Asking) {
        debug_assert!(!matches!(self.direction, Direction::Unknown));
        self.asking.push(asking);
    }

    /// Tells the drift to whoever asks for it.
    pub(crate) fn tell(&mut self) {
        if !self.asking.is_empty() {
            let drift = self.drift().expect("it was checked when it was asked for");
            let told = self.asking.drain(..).map(|asking| (asking, drift));
            self.told.extend(told);
        }
    }

    /// Who has been told the drift since the last time.
    pub(crate) fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// Whether its hash is that of another state than this.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Exchanges its hash in a digest for the one of now.
    pub(crate) fn renew_hash(&mut self, records: &mut SetDigest) {
        if std::mem::take(&mut self.stale) {
            records.remove(&self.category.hash);
            self.category.hash = self.compute_hash();
            records.insert(&self.category.hash);
        }
    }

    /// Whether readers, or entries that have asked for its drift, lack something.
    pub(crate) fn is_incomplete(&self) -> bool {
        !self.asking.is_empty() || self.changed && !matches!(self.direction, Direction::Known(_))
    }

    /// Computes what readers will need, and tells its drift to whoever has asked for it.
    pub(crate) fn complete(&mut self) {
        self.row().expect("a change is checked before it is kept");
        self.tell();
    }

    /// The parts of its weighted mean.
    pub fn parts(&self) -> Parts<'_> {
        Parts {
            settings: &self.category.settings,
            base: self.base.as_deref(),
            sum: &self.sum,
            count: self.category.absorbed.counting,
            weight: self.category.absorbed.weight,
        }
    }

    /// Hash of what the digest knows of a category: everything but its place in an order, which
    /// differs between two paths to the same state.
    pub fn compute_hash(&self) -> RecordHash {
        let Category {
            key,
            settings,
            metadata,
            absorbed,
            ..
        } = &self.category;
        let base = self.base.as_deref().unwrap_or_default();
        let vectors = size_of_val(base) + size_of_val(&*self.sum);
        let mut hasher = RecordHasher::with_room("category", vectors);
        hasher
            .bytes(key.as_bytes())
            .bytes(&settings.base_weight.to_le_bytes())
            .bytes(&settings.window.to_le_bytes())
            .bytes(&settings.min_base_share.to_le_bytes())
            .bytes(&[u8::from(settings.frozen), u8::from(self.base.is_some())])
            .vector(base)
            .map(metadata)
            .bytes(&absorbed.members.to_le_bytes())
            .bytes(&absorbed.counting.to_le_bytes())
            .bytes(&absorbed.weight.to_le_bytes())
            .bytes(&absorbed.squares.to_le_bytes())
            .sum(&self.sum);
        hasher.finish()
    }

    /// The view of it, with or without its embeddings.
    pub fn view(&mut self, embeddings: bool) -> Result<CategoryView, Refusal> {
        let drift = self.drift()?;
        Ok(CategoryView::new(
            &self.category,
            &self.parts(),
            drift,
            embeddings,
        ))
    }

    fn overflow(&self, overflow: Overflow) -> Refusal {
        Refusal::SumOverflow {
            category: self.category.key.to_string(),
            component: overflow.component,
        }
    }
}

/// Most categories have no metadata: those share one allocation.
fn shared(metadata: Metadata) -> Arc<Metadata> {
    static NONE: LazyLock<Arc<Metadata>> = LazyLock::new(Arc::default);
    if metadata.is_empty() {
        Arc::clone(&NONE)
    } else {
        Arc::new(metadata)
    }
}

/// What there is to say of a category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryView {
    /// Its key.
    pub key: String,
    /// Its settings.
    pub settings: CategorySettings,
    /// Data of the caller's own.
    pub metadata: Metadata,
    /// Number of members.
    pub member_count: u64,
    /// Number of those that count.
    pub counting_count: u64,
    /// Sum of their weights.
    pub counting_weight: f64,
    /// 1 − cos(base, effective).
    pub drift: Option<f64>,
    /// Root mean square distance of the counting members from their mean.
    pub spread: Option<f64>,
    /// Members up to this sequence do not count.
    pub anchor: u64,
    /// When it was created.
    pub created_ms: i64,
    /// The base, where it has one and embeddings were asked for.
    pub base: Option<Vec<f32>>,
    /// The effective embedding, where it has one and embeddings were asked for.
    pub effective: Option<Vec<f32>>,
}

impl CategoryView {
    pub(crate) fn new(
        category: &Category,
        parts: &Parts<'_>,
        drift: Option<f64>,
        embeddings: bool,
    ) -> Self {
        let absorbed = &category.absorbed;
        Self {
            key: category.key.to_string(),
            settings: category.settings,
            metadata: Metadata::clone(&category.metadata),
            member_count: absorbed.members,
            counting_count: absorbed.counting,
            counting_weight: absorbed.weight.to_f64(),
            drift,
            spread: scoring::spread(
                parts.sum,
                absorbed.counting,
                absorbed.weight,
                absorbed.squares.to_f64(),
            ),
            anchor: category.anchor,
            created_ms: category.created_ms,
            base: if embeddings {
                parts.base.map(<[f32]>::to_vec)
            } else {
                None
            },
            effective: if embeddings { parts.effective() } else { None },
        }
    }
}
