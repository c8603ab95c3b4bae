//! The named limits of the arithmetic. Every number in a request is checked against one of these
//! before it reaches a sum or a kernel.

/// Largest number of components of a vector.
pub const MAX_DIMENSION: usize = 16_384;

/// Largest absolute value of a component.
pub const MAX_COMPONENT: f32 = 32_768.0;

/// Smallest Euclidean norm of a vector: below it a direction is mostly rounding noise.
pub const MIN_NORM: f64 = 1e-4;

/// Smallest weight of an item, and of a category's base unless that is 0: 2⁻¹⁰.
///
/// Together with [`MAX_WEIGHT`] it makes every f32 weight an exact multiple of 2⁻³⁴, so sums of
/// weights are exact too.
pub const MIN_WEIGHT: f32 = 1.0 / 1024.0;

/// Largest weight of an item or of a category's base: 2²⁰.
pub const MAX_WEIGHT: f32 = 1_048_576.0;

/// Largest share of the whole that a category can reserve for its base. The factor α/(1−α) of the
/// base's weight is 999 there.
pub const MAX_BASE_SHARE: f64 = 0.999;

/// Smallest cap of a category on the share of one actor: at most a hundred actors are capped.
pub const MIN_ACTOR_SHARE: f64 = 0.01;

/// Most actors whose members may count in a category with such a cap: it keeps a sum of each.
pub const MAX_CAPPED_ACTORS: usize = 1_000;

/// Largest number of members of a category that can be neighbours of a query: the newest ones that
/// count.
pub const MAX_NEIGHBOURS: usize = 1024;

/// Most revisions that a setting of retention can name.
pub const MAX_KEPT_REVISIONS: u64 = 1_000_000_000_000;

/// Longest time that a setting of retention can name, in seconds: about 100 years.
pub const MAX_KEPT_SECONDS: u64 = 3_155_760_000;
