//! Which category fits: rankings, why they are what they are, suggestions.

use ee_core::namespace::{MatchOptions, Ranking};

use super::Engine;
use crate::Result;
use crate::api::{At, QuerySpec, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::read::explain::{ExplainSpec, Explained};
use crate::read::ranking::{self, Ranker};
use crate::read::suggest::{SuggestSpec, Suggested};
use crate::read::what_if::{WhatIf, WhatIfResult};

impl Engine {
    /// Ranks all categories for each query; all queries at the same revision.
    pub fn rank(
        &self,
        namespace: &NamespaceHandle,
        queries: Vec<QuerySpec>,
        options: MatchOptions,
        context: ReadContext,
    ) -> Result<At<Vec<Ranking>>> {
        self.ranker().rank(namespace, queries, options, context)
    }

    /// [`Engine::rank`] at an earlier revision: from 1 to the newest, as far back as the history is kept.
    pub fn rank_past(
        &self,
        namespace: &NamespaceHandle,
        revision: u64,
        queries: &[QuerySpec],
        options: MatchOptions,
        context: ReadContext,
    ) -> Result<At<Vec<Ranking>>> {
        self.ranker()
            .rank_past(namespace, revision, queries, options, context)
    }

    /// [`Engine::rank`] if it waits for nothing and takes microseconds; `None` if it might take
    /// longer. For threads on which other callers wait.
    pub fn try_rank(
        &self,
        namespace: &NamespaceHandle,
        queries: &[QuerySpec],
        options: &MatchOptions,
        context: ReadContext,
    ) -> Result<Option<At<Vec<Ranking>>>> {
        self.ranker().try_rank(namespace, queries, options, context)
    }

    /// [`Engine::try_rank`] of each of several calls with the same options, all at one revision, which is
    /// at least `min_revision`: in one pass over the rows, which takes less time than a pass for each.
    pub fn try_rank_together(
        &self,
        namespace: &NamespaceHandle,
        calls: &[&[QuerySpec]],
        options: &MatchOptions,
        min_revision: u64,
    ) -> Result<Option<At<Vec<Vec<Ranking>>>>> {
        self.ranker()
            .try_rank_together(namespace, calls, options, min_revision)
    }

    /// Whether [`Engine::try_rank`] answers so many queries, which name no stored items.
    pub fn is_short(&self, namespace: &NamespaceHandle, queries: usize, min_revision: u64) -> bool {
        ranking::is_short(namespace, queries, min_revision)
    }

    /// Explains the scores of a query.
    pub fn explain(
        &self,
        namespace: &NamespaceHandle,
        spec: &ExplainSpec,
        context: ReadContext,
    ) -> Result<At<Explained>> {
        self.ranker().explain(namespace, spec, context)
    }

    /// [`Engine::explain`] at an earlier revision (`None`: the newest), with what would be after changes
    /// that are not made.
    pub fn explain_what_if(
        &self,
        namespace: &NamespaceHandle,
        revision: Option<u64>,
        spec: &ExplainSpec,
        what_ifs: &[WhatIf],
        context: ReadContext,
    ) -> Result<At<(Explained, Vec<WhatIfResult>)>> {
        self.ranker()
            .explain_what_if(namespace, revision, spec, what_ifs, context)
    }

    /// Suggests a category for each item of the inbox.
    pub fn suggest(
        &self,
        namespace: &NamespaceHandle,
        spec: &SuggestSpec,
        context: ReadContext,
    ) -> Result<At<Suggested>> {
        self.ranker().suggest(namespace, spec, context)
    }

    pub(super) fn ranker(&self) -> Ranker<'_> {
        Ranker {
            shared: &self.shared,
            kernel: self.kernel(),
        }
    }
}
