//! Items: put, get, list and delete.

use ee_core::command::{ItemPut, Put};
use ee_core::settings::NamespaceSettings;
use ee_engine::ItemFilter;

use super::page::{Page, wanted};
use super::{Command, Outcome, outcome};
use crate::call::{NamespaceCall, WriteParams};
use crate::call_error::{Result, Violations, all};
use crate::decode::path::Path;
use crate::decode::{self, number, parts, text, vector};
use crate::encode::item::item as encode;
use crate::engine_error::FieldPaths;
use crate::page_token::Binding;
use crate::planned_write::PlannedWrite;
use crate::proto::v1::list_items_request::Filter;
use crate::proto::v1::{
    DeleteItemsRequest, DeleteItemsResponse, GetItemRequest, GetItemResponse, Item, ItemUpdate,
    ListItemsRequest, ListItemsResponse, PutItemResult, PutItemsRequest, PutItemsResponse,
};

pub(crate) fn put(
    call: NamespaceCall<'_>,
    request: PutItemsRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    let not_empty = decode::not_empty(Path::field("items"), &request.items);
    params.violations.check(not_empty);
    let updates = request.items.into_iter().enumerate();
    let put = |(index, update)| item_put(call.settings(), Path::entry("items", index), update);
    let puts = params.violations.finish(all(updates.map(put)))?;
    let paths = FieldPaths::of("items", "", "key");
    let epoch = call.epoch();
    call.plan(paths, Command::PutItems(puts), params, move |written| {
        let results = outcome!(written, Outcome::PutItems(results) => results);
        let result = |put: Put| PutItemResult {
            item: put.key,
            created: put.created,
            changed: put.changed,
        };
        Ok(PutItemsResponse {
            results: results.into_iter().map(result).collect(),
            revision: written.revision,
            epoch,
        })
    })
}

fn item_put(settings: &NamespaceSettings, path: Path<'_>, update: ItemUpdate) -> Result<ItemPut> {
    let mut violations = Violations::default();
    violations.check(text::key(path.then("key"), &update.key));
    violations.check(text::expected_category(
        path,
        update.expected_category.as_deref(),
    ));
    let weight = |weight| number::weight(path.then("weight"), weight);
    let has_embedding = update.embedding.is_some();
    let parts = parts::optional(path, ("key", &update.key), has_embedding, update.parts);
    let embedding = vector::optional(settings, path.then("embedding"), update.embedding);
    let put = ItemPut {
        key: update.key,
        embedding: violations.check(embedding),
        parts: violations.check(parts),
        weight: violations.check(update.weight.map(weight).transpose()),
        metadata: violations.check(decode::metadata(
            path.then("metadata"),
            update.metadata,
            update.replace_metadata,
        )),
        expected_category: update.expected_category,
    };
    violations.finish(Ok(put))
}

pub(crate) fn get(call: &NamespaceCall<'_>, request: GetItemRequest) -> Result<GetItemResponse> {
    text::key(Path::field("item"), &request.item)?;
    let found = call.engine.item(
        &call.namespace,
        &request.item,
        request.include_embedding,
        call.read_context(request.min_revision, request.epoch)?,
    )?;
    Ok(GetItemResponse {
        item: Some(encode(found.value)),
        revision: found.revision,
        epoch: call.epoch(),
    })
}

pub(crate) fn list(
    call: &NamespaceCall<'_>,
    request: ListItemsRequest,
) -> Result<ListItemsResponse> {
    let mut violations = Violations::default();
    let size = violations.check(number::page_size(request.page_size));
    // The filter's name in the token; it differs from every key, which has no control characters.
    let named = match &request.filter {
        None | Some(Filter::Unassigned(false)) => "",
        Some(Filter::Unassigned(true)) => "\0unassigned",
        Some(Filter::Category(key)) => {
            violations.check(text::key(Path::field("category"), key));
            key.as_str()
        }
    };
    let binding = Binding([call.method, call.namespace.name(), named]);
    let token = &request.page_token;
    let filter = match &request.filter {
        None | Some(Filter::Unassigned(false)) => ItemFilter::All {
            after: violations.check(binding.key(token)),
        },
        Some(Filter::Unassigned(true)) => ItemFilter::Inbox {
            after: violations.check(binding.key(token)),
        },
        Some(Filter::Category(key)) => ItemFilter::Category {
            key: key.clone(),
            before: violations.check(binding.place(token)),
        },
    };
    violations.finish(Ok(()))?;
    let size = wanted(call, size, usize::from(request.include_embeddings));
    let found = call.engine.items(
        &call.namespace,
        filter,
        size + 1,
        request.include_embeddings,
        call.read_context(request.min_revision, request.epoch)?,
    )?;
    let page = Page::of(found.value, size, encode);
    Ok(ListItemsResponse {
        next_page_token: page.next(|last| match &request.filter {
            Some(Filter::Category(key)) => binding.token(&place(last, key).to_le_bytes()),
            _ => binding.token(last.key.as_bytes()),
        }),
        revision: found.revision,
        epoch: call.epoch(),
        items: page.entries,
    })
}

/// An item's position in the order of assignment of a category.
fn place(item: &Item, category: &str) -> u64 {
    let mut memberships = item.memberships.iter();
    memberships
        .find(|membership| membership.category == category)
        .map_or(0, |membership| membership.sequence)
}

pub(crate) fn delete(
    call: NamespaceCall<'_>,
    request: DeleteItemsRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    let keys = decode::keys("items", &request.items);
    params.violations.finish(keys)?;
    let command = Command::DeleteItems {
        keys: request.items,
        allow_missing: request.allow_missing,
    };
    let epoch = call.epoch();
    call.plan(
        FieldPaths::of("items", "", ""),
        command,
        params,
        move |written| {
            Ok(DeleteItemsResponse {
                deleted_count: outcome!(written, Outcome::DeleteItems { deleted } => deleted),
                revision: written.revision,
                epoch,
            })
        },
    )
}
