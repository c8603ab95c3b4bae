//! The history of a namespace: its pages, its size, and trimming it.

use std::sync::Arc;

use ee_store::codec::TrimAnswer;

use super::Engine;
use crate::Result;
use crate::api::{At, HistorySize, ReadContext, TrimReport, WriteContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::clock::check_deadline;
use crate::read::history::{self, HistoryFilter, HistoryOrder, HistoryPage, log};
use crate::write::trim::{Plan, TrimBound, TrimHistory, plan};

impl Engine {
    /// A page of the history.
    pub fn history(
        &self,
        namespace: &NamespaceHandle,
        filter: &HistoryFilter,
        order: HistoryOrder,
        context: ReadContext,
    ) -> Result<At<HistoryPage>> {
        let loaded = self.at(namespace, context)?;
        self.read_store(&loaded, |reads, row| {
            history::page(reads, row, filter, order)
        })
    }

    /// How much history the namespace keeps.
    pub fn history_size(
        &self,
        namespace: &NamespaceHandle,
        context: ReadContext,
    ) -> Result<At<HistorySize>> {
        let loaded = self.at(namespace, context)?;
        self.read_store(&loaded, |reads, row| {
            let start = reads.history_start(row.id)?;
            let bytes = match row.header.log_bytes {
                Some(bytes) => bytes.saturating_sub(start.trimmed_bytes),
                None => log::bytes(reads, row, start)?,
            };
            Ok(HistorySize {
                first_revision: start.first_revision,
                revisions: (row.header.revision + 1).saturating_sub(start.first_revision),
                bytes,
            })
        })
    }

    /// Deletes log entries, the oldest first, step by step beside other writes; what earlier steps
    /// deleted stays deleted if a later one fails. The newest entry is always kept.
    pub fn trim_history(
        &self,
        namespace: &NamespaceHandle,
        bound: TrimBound,
        context: WriteContext,
    ) -> Result<At<TrimReport>> {
        check_deadline(context.deadline)?;
        let loaded = Arc::clone(&namespace.0);
        let plan = self.read_store(&loaded, |reads, row| {
            plan(reads, row, bound, &context, self.shared.clock.now_ms())
        })?;
        let first_revision = match plan.value {
            Plan::Answered(answer) => return Ok(report(answer)),
            Plan::New(would) if context.validate_only => {
                return Ok(At {
                    value: would,
                    revision: plan.revision,
                });
            }
            Plan::New(would) => would.first_revision,
        };
        let mut done = TrimReport::default();
        loop {
            // Its dirty sums are in memory, unless it was evicted since.
            let loaded = self.reading(|| self.shared.current(&loaded))?;
            let named = (loaded.name.as_str(), loaded.id);
            let request = Some((context.clone(), done));
            let step = TrimHistory::new(&self.shared, named, first_revision, request);
            let step = self.writer.operation(step)?;
            let answer = report(step.answer);
            if !step.more {
                return Ok(answer);
            }
            done = answer.value;
        }
    }
}

fn report(answer: TrimAnswer) -> At<TrimReport> {
    At {
        value: TrimReport {
            revisions: answer.entries,
            bytes: answer.bytes,
            first_revision: answer.first_revision,
        },
        revision: answer.revision,
    }
}
