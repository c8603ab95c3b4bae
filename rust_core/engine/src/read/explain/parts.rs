//! The explanation of chosen categories: their parts, and what they would be without some members.

use std::sync::Arc;

use ee_core::namespace::{CategoryDraft, Item, Membership, Origin};
use ee_core::scoring::{CosineParts, Query, Scorer, similarity};
use ee_core::settings::NamespaceSettings;
use ee_store::ItemReads;

use super::{
    BasePart, Chosen, EXPLAINED_MEMBERS, ExplainSpec, Explained, Explanation, FLIP_MEMBERS, Flip,
    MemberPart,
};
use crate::api::QuerySpec;
use crate::{Error, Result};

/// Members read at a time.
const SCAN: usize = 512;

/// A counting member that was read.
struct Read {
    item: Item,
    membership: Membership,
    scale: f64,
    part: f64,
}

/// An explanation while it is made.
pub(super) struct Explaining<'a> {
    reads: &'a dyn ItemReads,
    namespace: i64,
    scorer: Scorer,
    query: &'a Query,
    /// The item that is the query.
    own: Option<Item>,
}

impl<'a> Explaining<'a> {
    pub(super) fn new(
        reads: &'a dyn ItemReads,
        namespace: i64,
        settings: &NamespaceSettings,
        spec: &ExplainSpec,
        query: &'a Query,
    ) -> Result<Self> {
        let own = match &spec.query {
            QuerySpec::Item(key) => reads.item_by_key(namespace, key)?,
            _ => None,
        };
        Ok(Self {
            reads,
            namespace,
            scorer: Scorer::of(settings),
            query,
            own,
        })
    }

    pub(super) fn explain(
        &self,
        chosen: Vec<Chosen>,
        margin: Option<f64>,
        member_limit: usize,
    ) -> Result<Explained> {
        let mut explanations = Vec::with_capacity(chosen.len());
        let mut flip = None;
        let mut chosen = chosen.into_iter().peekable();
        while let Some(mut one) = chosen.next() {
            let score = self.score(&mut one.draft);
            let parts = score.and_then(|s| CosineParts::of(self.query, &one.draft.centroid(), s));
            let members = match &parts {
                Some(parts) => self.members(&one.draft, parts)?,
                None => Vec::new(),
            };
            if let (Some((1, _)), Some(second)) = (&one.ranked, chosen.peek_mut())
                && let (Some(score), Some(other)) = (score, self.score(&mut second.draft))
                && matches!(second.ranked, Some((2, _)))
                && score >= other
            {
                let behind = (Arc::clone(&second.draft.category.key), other);
                flip = self.flip(&one.draft, behind, &members)?;
            }
            explanations.push(self.explanation(one, score, parts, members, member_limit)?);
        }
        Ok(Explained {
            explanations,
            margin,
            flip,
        })
    }

    fn score(&self, draft: &mut CategoryDraft) -> Option<f64> {
        let row = draft.row()?;
        Some(self.scorer.score(self.query, row).cosine)
    }

    /// The newest counting members, the largest parts first.
    fn members(&self, draft: &CategoryDraft, parts: &CosineParts) -> Result<Vec<Read>> {
        let category = &draft.category;
        if category.settings.frozen {
            return Ok(Vec::new());
        }
        let (id, first) = (category.id, category.counting_from);
        let nth = EXPLAINED_MEMBERS as u64 - 1;
        let oldest = self
            .reads
            .nth_newest_member(self.namespace, id, first - 1, u64::MAX, nth)?;
        let mut from = oldest.map_or(first, |(sequence, _)| sequence);
        let cap = draft.centroid().actor_cap();
        let mut read = Vec::new();
        loop {
            let page = self.reads.members(self.namespace, id, from, SCAN)?;
            let more = page.len() == SCAN;
            for membership in page {
                from = membership.sequence + 1;
                let item = self.reads.item_by_id(self.namespace, membership.item)?;
                let actor = &membership.origin.actor;
                let scale = cap.as_ref().map_or(1.0, |cap| cap.scale(actor));
                let weight = f64::from(item.weight) * scale;
                let part = parts.member(self.query, weight, &item.embedding);
                read.push(Read {
                    item,
                    membership,
                    scale,
                    part,
                });
            }
            if !more {
                break;
            }
        }
        read.sort_by(|a, b| {
            let by_key = || a.item.key.cmp(&b.item.key);
            b.part.abs().total_cmp(&a.part.abs()).then_with(by_key)
        });
        Ok(read)
    }

    fn explanation(
        &self,
        chosen: Chosen,
        score: Option<f64>,
        parts: Option<CosineParts>,
        mut members: Vec<Read>,
        member_limit: usize,
    ) -> Result<Explanation> {
        let Chosen { draft, ranked } = chosen;
        let without_query = self.without_query(&draft)?;
        let count = draft.category.stats.counting;
        members.truncate(member_limit);
        let listed: f64 = members.iter().map(|member| member.part).sum();
        let others = count - members.len() as u64;
        let other_members = match &parts {
            Some(parts) if others > 0 => parts.members - listed,
            _ => 0.0,
        };
        let base = parts.as_ref().zip(draft.base.as_deref());
        let base = base.map(|(parts, base)| BasePart {
            weight: draft.centroid().base_weight(),
            similarity: similarity(self.query, base),
            part: parts.base,
        });
        // What the sum of the listed parts lacks of the exact one, where they are all.
        let rounding = parts.map_or(0.0, |parts| {
            let lacking = if others > 0 {
                0.0
            } else {
                parts.members - listed
            };
            parts.rounding + lacking
        });
        let members = members
            .into_iter()
            .map(|member| {
                Ok(MemberPart {
                    score_without: self.without(&draft, &member.item, &member.membership)?,
                    scale: member.scale,
                    similarity: similarity(self.query, &member.item.embedding),
                    item: member.item.key,
                    weight: member.item.weight,
                    part: member.part,
                    origin: member.membership.origin,
                })
            })
            .collect::<Result<_>>()?;
        let mut capped_actors = draft.centroid().actor_shares();
        capped_actors.retain(|actor| actor.scale < 1.0);
        let further = ranked.as_ref().and_then(|(_, found)| found.parts.clone());
        Ok(Explanation {
            category: Arc::clone(&draft.category.key),
            ranked: ranked.map(|(place, found)| (place, found.rank_score)),
            score,
            count,
            base,
            members,
            capped_actors,
            other_members: (other_members, others),
            rounding,
            further: further.unwrap_or_default(),
            without_query,
            dismissed: self.dismissed(draft.category.id)?,
        })
    }

    /// Who has dismissed the query, a stored item, from a category.
    fn dismissed(&self, category: i64) -> Result<Option<Origin>> {
        let Some(item) = &self.own else {
            return Ok(None);
        };
        let dismissals = self.reads.dismissals_of(self.namespace, item.id)?;
        let mut own = dismissals
            .into_iter()
            .filter(|own| own.category == category);
        Ok(own.next().map(|own| own.origin))
    }

    /// The score of the query, a stored item, without itself.
    fn without_query(&self, draft: &CategoryDraft) -> Result<Option<Option<f64>>> {
        let Some(item) = &self.own else {
            return Ok(None);
        };
        let memberships = self.reads.memberships_of(self.namespace, item.id)?;
        let own = memberships.iter().find(|m| m.category == draft.category.id);
        match own {
            Some(own) if draft.category.counts(own.sequence) => {
                Ok(Some(self.without(draft, item, own)?))
            }
            _ => Ok(None),
        }
    }

    /// The score against a category that one of its counting members has left, as an Unassign would
    /// leave it: where a window gets a place, the newest member outside it counts again.
    fn without(
        &self,
        draft: &CategoryDraft,
        item: &Item,
        membership: &Membership,
    ) -> Result<Option<f64>> {
        let mut draft = draft.clone();
        self.leave(&mut draft, item, membership)?;
        Ok(self.score(&mut draft))
    }

    fn leave(&self, draft: &mut CategoryDraft, item: &Item, membership: &Membership) -> Result<()> {
        let overflow = |e| Error::Rejected(ee_core::command::Rejection::SumOverflow(e));
        let actor = &membership.origin.actor;
        draft
            .forget(membership.sequence, item, actor)
            .map_err(overflow)?;
        let category = &draft.category;
        if category.settings.window == 0 {
            return Ok(());
        }
        let (id, anchor, from) = (category.id, category.anchor, category.counting_from);
        let newest = self
            .reads
            .nth_newest_member(self.namespace, id, anchor, from, 0)?;
        if let Some((sequence, item)) = newest {
            let found = self.reads.members(self.namespace, id, sequence, 1)?;
            let actor = found.first().map_or("", |member| &member.origin.actor);
            let item = self.reads.item_by_id(self.namespace, item)?;
            draft.absorb(sequence, &item, actor).map_err(overflow)?;
            draft.category.counting_from = sequence;
        }
        Ok(())
    }

    /// The members whose leaving, largest part first, lets the score of `first` fall below another
    /// category's.
    fn flip(
        &self,
        first: &CategoryDraft,
        (second, least): (Arc<str>, f64),
        members: &[Read],
    ) -> Result<Option<Flip>> {
        let mut draft = first.clone();
        let mut items = Vec::new();
        let positive = members.iter().filter(|member| member.part > 0.0);
        for member in positive.take(FLIP_MEMBERS) {
            self.leave(&mut draft, &member.item, &member.membership)?;
            items.push(member.item.key.clone());
            let score = self.score(&mut draft);
            if score.is_none_or(|score| score < least) {
                let categories = [Arc::clone(&first.category.key), second];
                return Ok(Some(Flip {
                    categories,
                    items,
                    score,
                }));
            }
        }
        Ok(None)
    }
}
