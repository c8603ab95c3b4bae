//! Undo.

use ee_access::grant::Scope;
use ee_core::command::UndoneChange;
use ee_core::command::undo::UndoConflict;
use ee_engine::{UndoScope, UndoSelection};

use super::{Outcome, outcome};
use crate::call::{NamespaceCall, WriteParams};
use crate::call_error::{Result, Violations};
use crate::decode::path::Path;
use crate::decode::{number, required, text, time};
use crate::encode::history::kind;
use crate::limits::ACTOR_BYTES;
use crate::proto::v1::undo_request::Selection;
use crate::proto::v1::{self, UndoRequest, UndoResponse};

pub(crate) fn undo(
    call: &NamespaceCall<'_>,
    request: UndoRequest,
    mut params: WriteParams,
) -> Result<UndoResponse> {
    let selection = params.violations.finish(selection(request.selection))?;
    let scope = UndoScope {
        skip_conflicts: request.skip_conflicts,
        // UpdateNamespace needs this scope.
        settings: call.may(Scope::Admin),
    };
    let written = call
        .engine
        .undo(&call.namespace, &selection, scope, &params.context)?;
    let undone = outcome!(written, Outcome::Undo(undone) => undone);
    Ok(UndoResponse {
        changes: undone.changes.into_iter().map(change).collect(),
        change_count: undone.change_count,
        conflicts: undone.skipped.into_iter().map(conflict).collect(),
        conflict_count: undone.skipped_count,
        revision: written.revision,
        epoch: call.epoch(),
    })
}

fn selection(selection: Option<Selection>) -> Result<UndoSelection> {
    let mut violations = Violations::default();
    let selection = match selection {
        None => {
            let what = "one of revision, range and actor_since must be set";
            return Err(required(Path::field("selection"), what));
        }
        Some(Selection::Revision(revision)) => {
            violations.check(undoable(Path::field("revision"), revision));
            UndoSelection::Revisions {
                first: revision,
                last: revision,
            }
        }
        Some(Selection::Range(range)) => {
            let path = Path::field("range");
            let (first, last) = (range.first_revision, range.last_revision);
            violations.check(undoable(path.then("first_revision"), first));
            if last < first {
                let range = format_args!("at least first_revision, {first}");
                let error = number::out_of_range(path.then("last_revision"), range, last);
                violations.check(Err::<(), _>(error));
            }
            UndoSelection::Revisions { first, last }
        }
        Some(Selection::ActorSince(of)) => {
            let path = Path::field("actor_since");
            if of.actor.is_empty() {
                violations.check(Err::<(), _>(required(path.then("actor"), "is not set")));
            }
            violations.check(text::text(path.then("actor"), &of.actor, ACTOR_BYTES));
            let start = time::required_time(path.then("start_time"), of.start_time);
            UndoSelection::Actor {
                actor: of.actor,
                since_ms: violations.check(start),
            }
        }
    };
    violations.finish(Ok(selection))
}

/// A revision that an undo may begin with.
fn undoable(path: Path<'_>, revision: u64) -> Result<()> {
    if revision >= 2 {
        return Ok(());
    }
    let range = "2 or above (revision 1 is the namespace's creation)";
    Err(number::out_of_range(path, range, revision))
}

fn change(change: UndoneChange) -> v1::UndoneChange {
    v1::UndoneChange {
        undoes_revision: change.undoes,
        kind: kind(change.kind).into(),
        item: change.item,
        category: change.category,
    }
}

fn conflict(conflict: UndoConflict) -> v1::UndoConflict {
    v1::UndoConflict {
        revision: conflict.revision,
        kind: kind(conflict.kind).into(),
        item: conflict.item,
        category: conflict.category,
        by_revision: conflict.by.unwrap_or(0),
    }
}
