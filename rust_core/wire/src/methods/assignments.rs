//! Assign, Unassign and Dismiss.

use ee_core::command::{Assigned, Assignment, ItemCategory, ItemPut, Unassigned, Unassignment};
use ee_core::settings::NamespaceSettings;

use super::{Command, Outcome, outcome};
use crate::call::{NamespaceCall, WriteParams};
use crate::call_error::{Result, Violations, all};
use crate::decode::path::Path;
use crate::decode::{self, number, parts, text, vector};
use crate::engine_error::FieldPaths;
use crate::planned_write::PlannedWrite;
use crate::proto::v1;

pub(crate) fn assign(
    call: NamespaceCall<'_>,
    request: v1::AssignRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    let not_empty = decode::not_empty(Path::field("assignments"), &request.assignments);
    params.violations.check(not_empty);
    let entries = request.assignments.into_iter().enumerate();
    let assignments = all(entries.map(|(index, entry)| {
        assignment(call.settings(), Path::entry("assignments", index), entry)
    }));
    let assignments = params.violations.finish(assignments)?;
    let paths = FieldPaths::of("assignments", "category", "item");
    let epoch = call.epoch();
    call.plan(
        paths,
        Command::Assign(assignments),
        params,
        move |written| {
            let results = outcome!(written, Outcome::Assign(results) => results);
            Ok(v1::AssignResponse {
                results: results.into_iter().map(assigned).collect(),
                revision: written.revision,
                epoch,
            })
        },
    )
}

fn assignment(
    settings: &NamespaceSettings,
    path: Path<'_>,
    entry: v1::Assignment,
) -> Result<Assignment> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("item"), &entry.item));
    violations.check(text::key(path.then("category"), &entry.category));
    violations.check(text::expected_category(
        path,
        entry.expected_category.as_deref(),
    ));
    let weight = |weight| number::weight(path.then("weight"), weight);
    let has_embedding = entry.embedding.is_some();
    let parts = parts::optional(path, ("item", &entry.item), has_embedding, entry.parts);
    let embedding = vector::optional(settings, path.then("embedding"), entry.embedding);
    let assignment = Assignment {
        item: ItemPut {
            key: entry.item,
            embedding: violations.check(embedding),
            parts: violations.check(parts),
            weight: violations.check(entry.weight.map(weight).transpose()),
            metadata: violations.check(decode::metadata(
                path.then("metadata"),
                entry.metadata,
                false,
            )),
            expected_category: entry.expected_category,
        },
        category: entry.category,
    };
    violations.finish(Ok(assignment))
}

fn assigned(result: Assigned) -> v1::AssignmentResult {
    v1::AssignmentResult {
        item: result.item,
        category: result.category,
        previous_category: result.previous.unwrap_or_default(),
        changed: result.changed,
        score_before: result.score_before,
        category_member_count: result.category_count,
        category_drift: result.category_drift,
        item_created: result.item_created,
    }
}

pub(crate) fn unassign(
    call: NamespaceCall<'_>,
    request: v1::UnassignRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    let not_empty = decode::not_empty(Path::field("unassignments"), &request.unassignments);
    params.violations.check(not_empty);
    let entries = request.unassignments.into_iter().enumerate();
    let unassignments =
        all(entries.map(|(index, entry)| unassignment(Path::entry("unassignments", index), entry)));
    let unassignments = params.violations.finish(unassignments)?;
    let paths = FieldPaths::of("unassignments", "category", "item");
    let command = Command::Unassign(unassignments);
    let epoch = call.epoch();
    call.plan(paths, command, params, move |written| {
        let results = outcome!(written, Outcome::Unassign(results) => results);
        Ok(v1::UnassignResponse {
            results: results.into_iter().map(unassigned).collect(),
            revision: written.revision,
            epoch,
        })
    })
}

fn unassignment(path: Path<'_>, entry: v1::Unassignment) -> Result<Unassignment> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("item"), &entry.item));
    let named = !entry.category.is_empty();
    if named {
        violations.check(text::key(path.then("category"), &entry.category));
    }
    violations.check(text::expected_category(
        path,
        entry.expected_category.as_deref(),
    ));
    if named && entry.delete_item {
        let path = path.then("delete_item");
        let error = number::out_of_range(path, "false beside category", true);
        violations.check(Err::<(), _>(error));
    }
    violations.finish(Ok(Unassignment {
        item: entry.item,
        category: named.then_some(entry.category),
        delete_item: entry.delete_item,
        expected_category: entry.expected_category,
    }))
}

fn unassigned(result: Unassigned) -> v1::UnassignmentResult {
    v1::UnassignmentResult {
        item: result.item,
        previous_categories: result.previous,
        changed: result.changed,
        item_deleted: result.item_deleted,
    }
}

pub(crate) fn dismiss(
    call: NamespaceCall<'_>,
    request: v1::DismissRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    let not_empty = decode::not_empty(Path::field("pairs"), &request.pairs);
    params.violations.check(not_empty);
    let entries = request.pairs.into_iter().enumerate();
    let pairs = all(entries.map(|(index, entry)| pair(Path::entry("pairs", index), entry)));
    let pairs = params.violations.finish(pairs)?;
    let command = Command::Dismiss {
        pairs: pairs.clone(),
        withdraw: request.withdraw,
    };
    let paths = FieldPaths::of("pairs", "category", "item");
    let epoch = call.epoch();
    call.plan(paths, command, params, move |written| {
        let changed = outcome!(written, Outcome::Dismiss(changed) => changed);
        let results = pairs.into_iter().zip(changed);
        Ok(v1::DismissResponse {
            results: results
                .map(|(pair, changed)| v1::DismissResult {
                    item: pair.item,
                    category: pair.category,
                    changed,
                })
                .collect(),
            revision: written.revision,
            epoch,
        })
    })
}

fn pair(path: Path<'_>, entry: v1::ItemCategory) -> Result<ItemCategory> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("item"), &entry.item));
    violations.check(text::key(path.then("category"), &entry.category));
    let v1::ItemCategory { item, category } = entry;
    violations.finish(Ok(ItemCategory { item, category }))
}
