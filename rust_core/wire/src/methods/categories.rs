//! Categories: put, get, list, delete, reanchor, rename and merge.

use ee_core::command::{CategoryPut, MergedSource, Put};
use ee_core::namespace::CategoryView;
use ee_core::settings::NamespaceSettings;

use super::page::{Page, wanted};
use super::past;
use super::{Command, Outcome, outcome};
use crate::call::{NamespaceCall, WriteParams};
use crate::call_error::{Result, Violations, all};
use crate::category_settings;
use crate::decode::path::Path;
use crate::decode::{self, number, text, vector};
use crate::encode::category::category as encode;
use crate::engine_error::FieldPaths;
use crate::page_token::Binding;
use crate::planned_write::PlannedWrite;
use crate::proto::v1::{
    Category, CategoryUpdate, DeleteCategoriesRequest, DeleteCategoriesResponse,
    GetCategoryRequest, GetCategoryResponse, ListCategoriesRequest, ListCategoriesResponse,
    MergeCategoriesRequest, MergeCategoriesResponse, MergedCategory, PutCategoriesRequest,
    PutCategoriesResponse, PutCategoryResult, ReanchorRequest, ReanchorResponse,
    RenameCategoryRequest, RenameCategoryResponse,
};

pub(crate) fn put(
    call: NamespaceCall<'_>,
    request: PutCategoriesRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    let not_empty = decode::not_empty(Path::field("categories"), &request.categories);
    params.violations.check(not_empty);
    let updates = request.categories.into_iter().enumerate();
    let puts = all(updates.map(|(index, update)| {
        category_put(call.settings(), Path::entry("categories", index), update)
    }));
    let puts = params.violations.finish(puts)?;
    let paths = FieldPaths::of("categories", "key", "");
    let epoch = call.epoch();
    call.plan(
        paths,
        Command::PutCategories(puts),
        params,
        move |written| {
            let results = outcome!(written, Outcome::PutCategories(results) => results);
            let result = |put: Put| PutCategoryResult {
                category: put.key,
                created: put.created,
                changed: put.changed,
            };
            Ok(PutCategoriesResponse {
                results: results.into_iter().map(result).collect(),
                revision: written.revision,
                epoch,
            })
        },
    )
}

fn category_put(
    settings: &NamespaceSettings,
    path: Path<'_>,
    mut update: CategoryUpdate,
) -> Result<CategoryPut> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("key"), &update.key));
    if update.clear_base && update.base.is_some() {
        let path = path.then("clear_base");
        let error = number::out_of_range(path, "false beside base", true);
        violations.check(Err::<(), _>(error));
    }
    let base = vector::optional(settings, path.then("base"), update.base.take());
    let base = violations.check(base);
    let mut put = CategoryPut {
        base: base.map(Some).or(update.clear_base.then_some(None)),
        ..CategoryPut::default()
    };
    category_settings::take_update(path, &update, &mut put, &mut violations);
    put.key = update.key;
    put.metadata = violations.check(decode::metadata(
        path.then("metadata"),
        update.metadata,
        update.replace_metadata,
    ));
    violations.finish(Ok(put))
}

pub(crate) fn get(
    call: &NamespaceCall<'_>,
    request: GetCategoryRequest,
) -> Result<GetCategoryResponse> {
    text::key(Path::field("category"), &request.category)?;
    let context = call.read_context(request.min_revision, request.epoch)?;
    let (key, embeddings) = (&request.category, request.include_embeddings);
    let (engine, namespace) = (call.engine, &call.namespace);
    let found = match request.at_revision {
        0 => engine.category(namespace, key, embeddings, context)?,
        revision => {
            let found = engine.category_past(namespace, revision, key, embeddings, context);
            past::at(revision, found)?
        }
    };
    Ok(GetCategoryResponse {
        category: Some(encode(found.value)),
        revision: found.revision,
        epoch: call.epoch(),
    })
}

pub(crate) fn list(
    call: &NamespaceCall<'_>,
    request: ListCategoriesRequest,
) -> Result<ListCategoriesResponse> {
    let mut violations = Violations::default();
    let size = violations.check(number::page_size(request.page_size));
    let binding = Binding([call.method, call.namespace.name(), ""]);
    let after = violations.finish(binding.key(&request.page_token))?;
    let size = wanted(call, size, 2 * usize::from(request.include_embeddings));
    let found = call.engine.categories(
        &call.namespace,
        after.as_deref(),
        size + 1,
        request.include_embeddings,
        call.read_context(request.min_revision, request.epoch)?,
    )?;
    let page = Page::of(found.value, size, encode);
    Ok(ListCategoriesResponse {
        next_page_token: page.next(|last| binding.token(last.key.as_bytes())),
        revision: found.revision,
        epoch: call.epoch(),
        categories: page.entries,
    })
}

pub(crate) fn delete(
    call: NamespaceCall<'_>,
    request: DeleteCategoriesRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    let keys = decode::keys("categories", &request.categories);
    params.violations.finish(keys)?;
    let command = Command::DeleteCategories {
        keys: request.categories,
        allow_missing: request.allow_missing,
    };
    let epoch = call.epoch();
    call.plan(
        FieldPaths::of("categories", "", ""),
        command,
        params,
        move |written| {
            let (deleted_count, unassigned_count) = outcome!(
                written,
                Outcome::DeleteCategories { deleted, unassigned } => (deleted, unassigned)
            );
            Ok(DeleteCategoriesResponse {
                deleted_count,
                unassigned_count,
                revision: written.revision,
                epoch,
            })
        },
    )
}

pub(crate) fn reanchor(
    call: NamespaceCall<'_>,
    request: ReanchorRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    let key = text::key(Path::field("category"), &request.category);
    params.violations.finish(key)?;
    let command = Command::Reanchor {
        key: request.category,
        keep_last: request.keep_last,
    };
    let epoch = call.epoch();
    call.plan(FieldPaths::SINGLE, command, params, move |written| {
        let view = outcome!(written, Outcome::Reanchor(view) => view);
        Ok(ReanchorResponse {
            category: Some(encode_brief(*view)),
            revision: written.revision,
            epoch,
        })
    })
}

pub(crate) fn rename(
    call: NamespaceCall<'_>,
    request: RenameCategoryRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    let key = text::key(Path::field("category"), &request.category);
    params.violations.check(key);
    let new_key = text::key(Path::field("new_key"), &request.new_key);
    params.violations.finish(new_key)?;
    let command = Command::RenameCategory {
        key: request.category,
        new_key: request.new_key,
    };
    let epoch = call.epoch();
    call.plan(FieldPaths::SINGLE, command, params, move |written| {
        let (changed, view) = outcome!(
            written,
            Outcome::RenameCategory { changed, category } => (changed, category)
        );
        Ok(RenameCategoryResponse {
            category: Some(encode_brief(*view)),
            changed,
            revision: written.revision,
            epoch,
        })
    })
}

pub(crate) fn merge(
    call: NamespaceCall<'_>,
    request: MergeCategoriesRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    params
        .violations
        .check(decode::keys("sources", &request.sources));
    let target = text::key(Path::field("target"), &request.target);
    params.violations.finish(target)?;
    let command = Command::MergeCategories {
        sources: request.sources,
        target: request.target,
    };
    let epoch = call.epoch();
    call.plan(
        FieldPaths::of("sources", "", ""),
        command,
        params,
        move |written| {
            let merged = outcome!(written, Outcome::MergeCategories(merged) => merged);
            let source = |source: MergedSource| MergedCategory {
                category: source.key,
                member_count: source.members,
                moved_count: source.moved,
                cosine: source.cosine,
            };
            Ok(MergeCategoriesResponse {
                sources: merged.sources.into_iter().map(source).collect(),
                drift_before: merged.drift_before,
                category: Some(encode_brief(merged.category)),
                revision: written.revision,
                epoch,
            })
        },
    )
}

/// A category in the reply of a write: without embeddings, which a read has.
fn encode_brief(mut view: CategoryView) -> Category {
    (view.base, view.effective) = (None, None);
    encode(view)
}
