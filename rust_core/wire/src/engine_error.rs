//! From the engine's errors to refusals. An error has the number of an entry, a refusal its path.

use ee_core::arithmetic::limits::MAX_CAPPED_ACTORS;
use ee_core::command::undo::UndoConflict;
use ee_core::command::{MAX_COMPOSITES, MAX_MEMBERSHIPS, MAX_MERGED, MAX_PARTS, Rejection};
use ee_engine::Error;

use crate::call_error::CallError;
use crate::proto::v1::ErrorReason as R;

/// The paths of the entries of a method's request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldPaths {
    /// The list; empty if the request has just one entry.
    pub(crate) list: &'static str,
    /// The field of an entry that names a category; empty: the entry itself.
    pub(crate) category: &'static str,
    /// The field of an entry that names an item; empty: the entry itself.
    pub(crate) item: &'static str,
}

impl FieldPaths {
    /// Fields of the request itself.
    pub(crate) const SINGLE: Self = Self::of("", "category", "item");

    pub(crate) const fn of(list: &'static str, category: &'static str, item: &'static str) -> Self {
        Self {
            list,
            category,
            item,
        }
    }

    fn entry(self, index: usize) -> String {
        if self.list.is_empty() {
            String::new()
        } else {
            format!("{}[{index}]", self.list)
        }
    }

    fn path(self, index: usize, field: &str) -> String {
        let mut path = self.entry(index);
        if !path.is_empty() && !field.is_empty() {
            path.push('.');
        }
        path + field
    }

    /// A part of an entry's item.
    fn part(self, index: usize, part: usize) -> String {
        self.path(index, &format!("parts[{part}].item"))
    }
}

impl From<Error> for CallError {
    /// The refusal of a call whose request has one entry.
    fn from(error: Error) -> Self {
        call_error(FieldPaths::SINGLE, error)
    }
}

/// The refusal for an error of the engine.
#[cold]
pub(crate) fn call_error(paths: FieldPaths, error: Error) -> CallError {
    let text = error.to_string();
    let plain = |reason| CallError::new(reason, text.clone());
    match error {
        Error::NamespaceNotFound { name } => plain(R::NamespaceNotFound).with("namespace", name),
        Error::NamespaceExists { name } => plain(R::NamespaceExists).with("namespace", name),
        Error::TooManyNamespaces { limit } => plain(R::TooManyNamespaces).with("limit", limit),
        Error::NamespaceNotEmpty {
            name,
            categories,
            items,
        } => plain(R::NamespaceNotEmpty)
            .with("namespace", name)
            .with("category_count", categories)
            .with("item_count", items),
        Error::CategoryNotFound { key } => {
            CallError::at(R::CategoryNotFound, paths.path(0, paths.category), text)
                .with("category", key)
        }
        Error::ItemNotFound { key, query } => {
            CallError::at(R::ItemNotFound, item_path(paths, query), text).with("item", key)
        }
        Error::DegenerateQuery { query } => {
            CallError::at(R::DegenerateQuery, format!("queries[{query}]"), text)
        }
        Error::Rejected(rejection) => rejected(paths, rejection),
        // The engine prepares such a write again.
        Error::Unprepared => CallError::internal(text),
        Error::RequestIdReused { request_id } => {
            plain(R::RequestIdReused).with("request_id", request_id)
        }
        Error::RevisionNotReached { expected, actual } => plain(R::RevisionNotReached)
            .with("expected", expected)
            .with("actual", actual),
        Error::RevisionMismatch { expected, actual } => {
            CallError::at(R::RevisionMismatch, "write.if_revision", text)
                .with("expected", expected)
                .with("actual", actual)
        }
        Error::HistoryTrimmed {
            revision,
            first_revision,
        } => plain(R::HistoryTrimmed)
            .with("revision", revision)
            .with("first_revision", first_revision),
        Error::UndoOfSettings { revision } => plain(R::PermissionDenied)
            .with("method", "Undo")
            .with("required", "admin")
            .with("revision", revision),
        Error::UndoTooLarge { limit, .. } => plain(R::TooLarge).with("limit", limit),
        Error::CopyTooLarge { categories, limit } => plain(R::TooLarge)
            .with("category_count", categories)
            .with("limit", limit),
        Error::WhatIf { rejection, .. } => rejected(paths, rejection),
        Error::PastTooFar { limit, .. } => {
            CallError::at(R::TooLarge, "at_revision", text).with("limit", limit)
        }
        Error::TooManyCopies { limit } => plain(R::Overloaded)
            .with("limit", "concurrent_copied_bytes")
            .with("value", limit),
        Error::InboxTooLarge {
            items,
            categories,
            limit,
        } => plain(R::TooLarge)
            .with("limit", limit)
            .with("actual", items.saturating_mul(categories)),
        Error::ReaderTooSlow {
            behind,
            limit,
            sent,
        } => plain(R::ReaderTooSlow)
            .with("behind", behind)
            .with("limit", limit)
            .with("sent", sent),
        Error::TooManyWait {
            expected,
            actual,
            limit,
            value,
        } => plain(R::RevisionNotReached)
            .with("expected", expected)
            .with("actual", actual)
            .with("limit", limit)
            .with("value", value),
        Error::DeadlineExceeded => plain(R::DeadlineExceeded),
        Error::InvalidSnapshot { .. } => CallError::at(R::InvalidSnapshot, "frame", text),
        Error::Corrupted { place, what } => {
            CallError::new(R::DataCorrupted, format!("stored data is damaged: {place}"))
                .with_internal_detail(format_args!("{place}: {what}"))
                .with("place", place)
        }
        Error::NewerData { place, what } => CallError::new(
            R::DataCorrupted,
            format!("stored data cannot be read by this version: {place}"),
        )
        .with_internal_detail(format_args!("{place}: {what}"))
        .with("place", place),
        Error::DirectoryInUse { .. } | Error::DirectoryNotEmpty { .. } | Error::Forked { .. } => {
            plain(R::DirectoryInUse)
        }
        Error::StoreFailed { cause } => plain(R::StoreFailed).with("cause", cause),
        Error::ReadFailed { cause } => plain(R::ReadFailed)
            .with_internal_detail(&cause)
            .with("cause", cause),
        Error::ShuttingDown => plain(R::ShuttingDown),
    }
}

fn item_path(paths: FieldPaths, query: Option<(usize, Option<usize>)>) -> String {
    match query {
        Some((query, Some(part))) => format!("queries[{query}].parts.parts[{part}].item"),
        Some((query, None)) => format!("queries[{query}].item"),
        None => paths.path(0, paths.item),
    }
}

fn rejected(paths: FieldPaths, rejection: Rejection) -> CallError {
    let text = rejection.to_string();
    match rejection {
        Rejection::CategoryNotFound { index, key } => {
            CallError::at(R::CategoryNotFound, paths.path(index, paths.category), text)
                .with("category", key)
        }
        Rejection::CategoryExists { key } => {
            CallError::at(R::CategoryExists, "new_key", text).with("category", key)
        }
        Rejection::ItemNotFound { index, key } | Rejection::EmbeddingNeeded { index, key } => {
            CallError::at(R::ItemNotFound, paths.path(index, paths.item), text).with("item", key)
        }
        Rejection::CategoryMismatch {
            index,
            item,
            expected,
            actual,
        } => {
            let path = paths.path(index, "expected_category");
            CallError::at(R::CategoryMismatch, path, text)
                .with("item", item)
                .with("expected", expected)
                .with("actual", actual)
        }
        Rejection::ItemInCategory {
            index,
            item,
            category,
        } => CallError::at(R::ItemInCategory, paths.path(index, ""), text)
            .with("item", item)
            .with("category", category),
        Rejection::PartNotFound {
            index,
            part,
            item,
            key,
        } => CallError::at(R::ItemNotFound, paths.part(index, part), text)
            .with("item", key)
            .with("composite", item),
        Rejection::PartOfItself { index, part, item } => {
            CallError::at(R::NestedComposite, paths.part(index, part), text)
                .with("item", &item)
                .with("part", &item)
        }
        Rejection::PartIsComposite {
            index,
            part,
            item,
            key,
        } => CallError::at(R::NestedComposite, paths.part(index, part), text)
            .with("item", item)
            .with("part", key),
        Rejection::CompositeIsPart {
            index,
            item,
            composite,
        } => CallError::at(R::NestedComposite, paths.path(index, "parts"), text)
            .with("item", composite)
            .with("part", item),
        Rejection::TooManyComposites { item, part } => CallError::new(R::TooLarge, text)
            .with("item", item)
            .with("part", part)
            .with("limit", MAX_COMPOSITES),
        Rejection::TooManyParts { item } => CallError::new(R::TooLarge, text)
            .with("item", item)
            .with("limit", MAX_PARTS),
        Rejection::DegenerateComposite { item, .. } => {
            CallError::new(R::DegenerateComposite, text).with("item", item)
        }
        Rejection::ConflictingEntries { index, first, key } => {
            let first = paths.entry(first);
            let what = format!("sets other values for {key:?} than {first}");
            CallError::at(R::ConflictingEntries, paths.entry(index), what)
                .with("key", key)
                .with("first", first)
        }
        Rejection::TooManyMemberships { category, members } => {
            let refusal = CallError::new(R::TooLarge, text).with("limit", MAX_MEMBERSHIPS);
            match category {
                Some(key) => refusal.with("category", key).with("actual", members),
                None => refusal,
            }
        }
        Rejection::TargetNotFound { key } => {
            CallError::at(R::CategoryNotFound, "target", text).with("category", key)
        }
        Rejection::MergeIntoItself { index, key } => {
            CallError::at(R::ConflictingEntries, paths.path(index, ""), text)
                .with("key", key)
                .with("first", "target")
        }
        Rejection::TooManyMerged { members } => CallError::new(R::TooLarge, text)
            .with("limit", MAX_MERGED)
            .with("actual", members),
        Rejection::TooManyActors { category, actors } => CallError::new(R::TooLarge, text)
            .with("limit", MAX_CAPPED_ACTORS)
            .with("actual", actors)
            .with("category", category),
        Rejection::UndoConflicts(conflicts) => undo_conflicts(text, &conflicts),
        Rejection::SumOverflow(overflow) => CallError::new(R::SumOverflow, text)
            .with("category", overflow.category)
            .with("component", overflow.component),
    }
}

/// Bytes of the keys of the conflicts that a status names, at most: it travels in headers.
const CONFLICT_BYTES: usize = 1024;

/// Conflicts that a status names, at most.
const CONFLICTS: usize = 16;

fn undo_conflicts(text: String, conflicts: &[UndoConflict]) -> CallError {
    let mut error = CallError::new(R::UndoConflict, text).with("conflicts", conflicts.len());
    let mut bytes = 0;
    for (index, conflict) in conflicts.iter().take(CONFLICTS).enumerate() {
        bytes += conflict.item.len() + conflict.category.len();
        if index > 0 && bytes > CONFLICT_BYTES {
            break;
        }
        let by = conflict.by.map_or_else(String::new, |by| by.to_string());
        let key = |field| format!("conflicts[{index}].{field}");
        error = error
            .with(&key("revision"), conflict.revision)
            .with(&key("item"), &conflict.item)
            .with(&key("category"), &conflict.category)
            .with(&key("by_revision"), by);
    }
    error
}
