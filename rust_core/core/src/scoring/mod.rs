//! Scoring: the one room that turns a category and a vector into a score.
//!
//! A [`Scorer`] prepares both sides and compares them, and nothing else does:
//!
//! ```text
//! category   CentroidSum ──row──► UnitRow ─┐
//!                                          ├─score, search──► Score
//! vector     f32s ───────query──► Query ───┘
//! ```
//!
//! The kind of scorer is an enum, not a type parameter: a namespace chooses it at run time, and
//! one query may choose another. With one kind the choice costs nothing.
//!
//! To add a ranking: a variant of [`Scorer`] (chosen in [`Scorer::of`]), its arm in each method,
//! and its terms in [`Score`], whose parts an explanation lists. Rows and queries stay those of
//! the cosine, with which every ranking begins: [`Scorer::search`] takes as many rows by their
//! cosines as the ranking re-orders, and adds the further terms there.

mod actor_share;
mod actors;
mod centroid;
mod confidence;
mod cosine;
mod exp;
mod explain;
mod fairness;
mod local;
mod mean_query;
mod member_rows;
mod near;
mod ridge;
mod score;
mod scorer;
mod split;
mod unit_correction;
mod without;

pub use crate::ranking::Query;
pub use actor_share::{ActorCap, ActorShare};
pub(crate) use actors::ActorBuild;
pub use actors::{ActorSum, ActorSums};
pub use centroid::{CentroidSum, spread};
pub(crate) use confidence::Calibration;
pub use explain::{CosineParts, similarity};
pub(crate) use fairness::{Evidence, growth};
pub(crate) use local::{Contender, GATE, Local, TOP};
pub use local::{Neighbour, Reranked};
pub use mean_query::MeanQuery;
pub use member_rows::{MemberChange, MemberRow, MemberRows};
pub use near::{NearVector, VectorBlock};
pub use score::{Score, Scored};
pub use scorer::Scorer;
pub use split::{SPLIT_LEAST, Split, split};
pub(crate) use unit_correction::Member;
pub use unit_correction::{UnitCorrection, UnitCorrections};
pub use without::{AssignedVector, SumsRoom, WeightedVector, movement};
