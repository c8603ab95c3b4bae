//! Retention: which histories are longer than their namespaces keep.
//!
//! A pass looks at every namespace, in memory or not, some of them in each step; a namespace that keeps
//! less than it has is trimmed before the pass goes on. So the cost of a namespace that keeps everything
//! is that of reading its row, once a pass.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ee_core::settings::HistoryKeep;
use ee_store::{NamespaceRow, Reads};

use crate::Result;
use crate::shared::Shared;
use crate::write::trim::{TrimBound, TrimHistory};

/// Least time from the end of a pass to the next one.
const PAUSE: Duration = Duration::from_secs(60);

/// The pause is at least so many times as long as the pass: its share of a core stays below 2 %.
const PAUSE_PER_PASS: u32 = 50;

/// Namespaces that a step looks at.
const PAGE: usize = 64;

/// The pass over the namespaces.
pub(crate) struct Retention {
    /// When the next pass is due.
    next: Instant,
    pass: Option<Pass>,
    /// Another pass was asked for during this one.
    again: bool,
}

struct Pass {
    begun: Instant,
    /// The last name that was looked at.
    after: String,
    /// What is to be trimmed before the pass goes on.
    due: VecDeque<Due>,
}

struct Due {
    name: String,
    namespace: i64,
    first_revision: u64,
}

impl Retention {
    pub(crate) fn new() -> Self {
        Self {
            next: Instant::now() + PAUSE,
            pass: None,
            again: false,
        }
    }

    /// Makes a pass due: a namespace keeps less from now on.
    pub(crate) fn request(&mut self) {
        self.next = Instant::now();
        self.again = self.pass.is_some();
    }

    /// How long nothing is due.
    pub(crate) fn pause(&self) -> Duration {
        match self.pass {
            Some(_) => Duration::ZERO,
            None => self.next.saturating_duration_since(Instant::now()),
        }
    }

    /// The next step of trimming, if one is due; otherwise looks at some namespaces.
    pub(crate) fn step(&mut self, shared: &Arc<Shared>) -> Option<TrimHistory> {
        if !self.pause().is_zero() {
            return None;
        }
        let pass = self.pass.get_or_insert_with(|| Pass {
            begun: Instant::now(),
            after: String::new(),
            due: VecDeque::new(),
        });
        if pass.due.is_empty() && !pass.look(shared).unwrap_or(false) {
            let pause = PAUSE.max(pass.begun.elapsed() * PAUSE_PER_PASS);
            let pause = if self.again { Duration::ZERO } else { pause };
            *self = Self {
                next: Instant::now() + pause,
                pass: None,
                again: false,
            };
            return None;
        }
        let due = pass.due.front()?;
        let namespace = (due.name.as_str(), due.namespace);
        Some(TrimHistory::new(
            shared,
            namespace,
            due.first_revision,
            None,
        ))
    }

    /// The namespace that the last step trimmed is done.
    pub(crate) fn done(&mut self) {
        if let Some(pass) = &mut self.pass {
            pass.due.pop_front();
        }
    }
}

impl Pass {
    /// Looks at the next namespaces; returns false if there are none. Damaged ones are passed over: who
    /// uses them is told.
    fn look(&mut self, shared: &Shared) -> Result<bool> {
        let view = shared.backend.view()?;
        let page = view.namespaces_page("", &self.after, PAGE)?;
        for row in &page {
            match row {
                Ok(row) => {
                    self.after.clone_from(&row.name);
                    if let Ok(Some(first_revision)) =
                        beyond(view.reads(), row, shared.clock.now_ms())
                    {
                        self.due.push_back(Due {
                            name: row.name.clone(),
                            namespace: row.id,
                            first_revision,
                        });
                    }
                }
                Err(damaged) => self.after.clone_from(&damaged.name),
            }
        }
        Ok(!page.is_empty())
    }
}

/// The first revision that a namespace keeps, if its history begins before it.
fn beyond(reads: &dyn Reads, row: &NamespaceRow, now_ms: i64) -> Result<Option<u64>> {
    let HistoryKeep { revisions, seconds } = row.profile.history_keep;
    if row.profile.history_keep == HistoryKeep::ALL {
        return Ok(None);
    }
    let start = reads.history_start(row.id)?;
    let oldest = |seconds: u64| now_ms.saturating_sub(seconds.saturating_mul(1000).cast_signed());
    let bounds = [
        revisions.map(TrimBound::Newest),
        seconds.map(|seconds| TrimBound::Since(oldest(seconds))),
    ];
    let mut first = start.first_revision;
    for bound in bounds.into_iter().flatten() {
        first = first.max(bound.first_revision(reads, row, start)?);
    }
    Ok((first > start.first_revision).then_some(first))
}
