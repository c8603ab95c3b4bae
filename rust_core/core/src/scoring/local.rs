//! LOCAL: the nearest members of the best few categories speak too.
//!
//! ```text
//! rank_score_c = base_c + s·(Σ v_i over c's rows − fairness·own·n_c/(n_c + 2))      s = β·r/(r + 10)
//! ```
//!
//! for the [`TOP`] categories of the best base_c, where v and own are what kernel ridge regression
//! finds (see `ridge.rs`) on r member rows and the names: of each category the 20 rows nearest to
//! the query, of those the 48 nearest. Nothing is trained, and nothing stored but the members.
//!
//! Where the first category is ahead of the second by more than [`GATE`], the base ranking is the
//! answer: so it is where fewer than two categories compete, or none has members.
//!
//! Categories compare by key and rows by (category, key), in order of bytes: ties are broken in
//! this order, and rows stand in it, names last. So the answer is a function of the state.

use std::cmp::Ordering;
use std::sync::Arc;

use super::actor_share::ActorCap;
use super::fairness::growth;
use super::member_rows::MemberRows;
use super::ridge::{MAX_MEMBERS, MAX_NAMES, Row, Workspace};
use crate::kernels::Kernel;
use crate::kernels::lines::F32Line;
use crate::ranking::{Near, Query, Rows, nearest};

/// Categories that are ranked again.
pub(crate) const TOP: usize = MAX_NAMES;
/// δ: a lead that the neighbours are not asked about.
pub(crate) const GATE: f64 = 0.15;
/// Most rows of one category.
const NEAREST: usize = 20;
/// β: how much the neighbours count where there are many.
const STRENGTH: f64 = 0.7;
/// Member rows at which they count for half of that.
const HALF: f64 = 10.0;

/// A category that is ranked again.
pub(crate) struct Contender<'a> {
    /// Its cosine with the query.
    pub(crate) cosine: f64,
    /// What fairness takes off its cosine.
    pub(crate) handicap: f64,
    /// Number of its counting members.
    pub(crate) counting: u64,
    /// Its base, if it has one, and what that weighs in its centroid.
    pub(crate) base: Option<&'a [f32]>,
    pub(crate) base_weight: f64,
    /// Rows of its members; `None`: it has none that count.
    pub(crate) members: Option<&'a MemberRows>,
    /// What its members are scaled by.
    pub(crate) cap: Option<ActorCap>,
}

/// A category that was ranked again.
#[derive(Clone, Debug, PartialEq)]
pub struct Reranked {
    /// The sum of the cosine and of all that follows.
    pub rank_score: f64,
    /// What fairness has added: at most 0 as a rule.
    pub fairness: f64,
    /// What each row of the category has added, members by key, the name last.
    pub neighbours: Vec<Neighbour>,
}

/// A row of the neighbourhood.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// The key of the item (of equal ones the first); `None` for the name.
    pub item: Option<Arc<str>>,
    /// Its cosine with the query.
    pub similarity: f64,
    /// What it adds to the rank score of its category.
    pub pull: f64,
}

/// Room to work in, for one query after another.
pub(crate) struct Local {
    kernel: Kernel,
    fairness: f64,
    /// Always there, until it is dropped.
    workspace: Option<Box<Workspace>>,
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Some(workspace) = self.workspace.take() {
            workspace.keep();
        }
    }
}

/// A name as a row.
struct Name {
    owner: usize,
    lines: crate::kernels::aligned::Aligned<F32Line>,
    norm: f64,
    similarity: f64,
    weight: f64,
}

impl Name {
    fn row(&self) -> Row<'_> {
        Row {
            lines: &self.lines,
            norm: self.norm,
            similarity: self.similarity,
            owner: self.owner,
            weight: self.weight,
        }
    }
}

impl Local {
    pub(crate) fn new(kernel: Kernel, fairness: f64) -> Self {
        Self {
            kernel,
            fairness,
            workspace: Some(Workspace::take()),
        }
    }

    /// Ranks at most [`TOP`] categories again, which stand in order of key. `None`: they have no
    /// members.
    pub(crate) fn rank(
        &mut self,
        query: &Query,
        contenders: &[Contender<'_>],
    ) -> Option<Vec<Reranked>> {
        let near = self.neighbours(query, contenders);
        if near.is_empty() {
            return None;
        }
        let names = self.names(query, contenders);
        let member = |near: &Near| {
            let contender = &contenders[near.matrix];
            let members = contender.members.expect("it was found there");
            let row = members.rows().get(near.slot).expect("it was found there");
            Row {
                lines: row.lines,
                norm: row.norm,
                similarity: near.score,
                owner: near.matrix,
                weight: members.weight(near.slot, contender.cap.as_ref()),
            }
        };
        let rows = near.iter().map(member);
        let rows: Vec<_> = rows.chain(names.iter().map(Name::row)).collect();
        let workspace = self.workspace.get_or_insert_with(Workspace::take);
        let fit = workspace.fit(self.kernel, &rows, near.len());
        let count = near.len() as f64;
        let strength = STRENGTH * count / (count + HALF);
        let reranked = contenders.iter().enumerate().map(|(owner, contender)| {
            let own = strength * self.fairness * fit.own * growth(contender.counting);
            let fairness = -contender.handicap - own;
            let mut rank_score = contender.cosine + fairness;
            let is_own = |row: &&Row<'_>| row.owner == owner;
            let mut neighbours = Vec::with_capacity(rows.iter().filter(is_own).count());
            for (at, row) in rows.iter().enumerate() {
                if row.owner == owner {
                    let pull = strength * fit.pulls[at];
                    rank_score += pull;
                    let key = |near: &Near| {
                        let members = contender.members.expect("it was found there");
                        Arc::clone(members.key(near.slot))
                    };
                    neighbours.push(Neighbour {
                        item: near.get(at).map(key),
                        similarity: row.similarity,
                        pull,
                    });
                }
            }
            Reranked {
                rank_score,
                fairness,
                neighbours,
            }
        });
        Some(reranked.collect())
    }

    /// The member rows, in their order.
    fn neighbours(&self, query: &Query, contenders: &[Contender<'_>]) -> Vec<Near> {
        let empty = Rows::new(query.dimension());
        let matrices: Vec<&Rows> = contenders
            .iter()
            .map(|contender| contender.members.map_or(&empty, MemberRows::rows))
            .collect();
        fn key<'a>(contenders: &[Contender<'a>], near: &Near) -> &'a Arc<str> {
            let members = contenders[near.matrix].members.expect("it was found there");
            members.key(near.slot)
        }
        let order = |a: &Near, b: &Near| -> Ordering {
            let by_key = || key(contenders, a).cmp(key(contenders, b));
            a.matrix.cmp(&b.matrix).then_with(by_key)
        };
        let mut near = nearest(self.kernel, query, &matrices, NEAREST, MAX_MEMBERS, &order);
        near.sort_unstable_by(order);
        near
    }

    fn names(&self, query: &Query, contenders: &[Contender<'_>]) -> Vec<Name> {
        let name = |(owner, contender): (usize, &Contender<'_>)| {
            let base = contender.base.filter(|_| contender.base_weight > 0.0)?;
            let lines = F32Line::pack(base);
            let norm = self.kernel.dot(&lines, &lines).sqrt();
            Some(Name {
                owner,
                norm,
                similarity: query.score(self.kernel.dot(&query.lines, &lines), norm),
                lines,
                weight: contender.base_weight,
            })
        };
        contenders.iter().enumerate().filter_map(name).collect()
    }
}
