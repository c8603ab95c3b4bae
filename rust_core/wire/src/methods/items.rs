//! Items: put, look at, list and delete.

use ee_core::command::{ItemPut, Put};
use ee_core::settings::NamespaceSettings;
use ee_engine::ItemFilter;

use super::page::{Page, wanted};
use super::{Command, Outcome, outcome};
use crate::call::{NamespaceCall, WriteParams};
use crate::call_error::Result;
use crate::decode::path::Path;
use crate::decode::{self, number, text, vector};
use crate::encode::item::item as encode;
use crate::engine_error::FieldPaths;
use crate::page_token::Binding;
use crate::proto::v1::list_items_request::Filter;
use crate::proto::v1::{
    DeleteItemsRequest, DeleteItemsResponse, GetItemRequest, GetItemResponse, Item, ItemUpdate,
    ListItemsRequest, ListItemsResponse, PutItemResult, PutItemsRequest, PutItemsResponse,
};

pub(crate) fn put(
    call: &NamespaceCall<'_>,
    request: PutItemsRequest,
    params: WriteParams,
) -> Result<PutItemsResponse> {
    decode::not_empty(Path::field("items"), &request.items)?;
    let updates = request.items.into_iter().enumerate();
    let puts = updates
        .map(|(index, update)| item_put(call.settings(), Path::entry("items", index), update))
        .collect::<Result<_>>()?;
    let paths = FieldPaths::of("items", "", "key");
    let written = call.write(paths, Command::PutItems(puts), params)?;
    let results = outcome!(written, Outcome::PutItems(results) => results);
    let result = |put: Put| PutItemResult {
        item: put.key,
        created: put.created,
        changed: put.changed,
    };
    Ok(PutItemsResponse {
        results: results.into_iter().map(result).collect(),
        revision: written.revision,
    })
}

fn item_put(settings: &NamespaceSettings, path: Path<'_>, update: ItemUpdate) -> Result<ItemPut> {
    text::key(path.then("key"), &update.key)?;
    let weight = |weight| number::weight(path.then("weight"), weight);
    Ok(ItemPut {
        key: update.key,
        embedding: vector::optional(settings, path.then("embedding"), update.embedding)?,
        weight: update.weight.map(weight).transpose()?,
        metadata: decode::metadata(
            path.then("metadata"),
            update.metadata,
            update.replace_metadata,
        )?,
    })
}

pub(crate) fn get(call: &NamespaceCall<'_>, request: GetItemRequest) -> Result<GetItemResponse> {
    text::key(Path::field("item"), &request.item)?;
    let found = call.engine.item(
        &call.namespace,
        &request.item,
        request.include_embedding,
        call.read_context(request.min_revision),
    )?;
    Ok(GetItemResponse {
        item: Some(encode(found.value)),
        revision: found.revision,
    })
}

pub(crate) fn list(
    call: &NamespaceCall<'_>,
    request: ListItemsRequest,
) -> Result<ListItemsResponse> {
    let size = number::page_size(request.page_size)?;
    // What the filter is called in the token: a key never begins with a control character.
    let named = match &request.filter {
        None | Some(Filter::Unassigned(false)) => "",
        Some(Filter::Unassigned(true)) => "\0unassigned",
        Some(Filter::Category(key)) => {
            text::key(Path::field("category"), key)?;
            key.as_str()
        }
    };
    let binding = Binding([call.method, call.namespace.name(), named]);
    let token = &request.page_token;
    let filter = match &request.filter {
        None | Some(Filter::Unassigned(false)) => ItemFilter::All {
            after: binding.key(token)?,
        },
        Some(Filter::Unassigned(true)) => ItemFilter::Inbox {
            after: binding.key(token)?,
        },
        Some(Filter::Category(key)) => ItemFilter::Category {
            key: key.clone(),
            before: binding.place(token)?,
        },
    };
    let size = wanted(call, size, usize::from(request.include_embeddings));
    let found = call.engine.items(
        &call.namespace,
        filter,
        size + 1,
        request.include_embeddings,
        call.read_context(request.min_revision),
    )?;
    let page = Page::new(found, size, encode);
    Ok(ListItemsResponse {
        next_page_token: page.next(|last| match &request.filter {
            Some(Filter::Category(key)) => binding.token(&place(last, key).to_le_bytes()),
            _ => binding.token(last.key.as_bytes()),
        }),
        revision: page.revision,
        items: page.entries,
    })
}

/// An item's place in a category's order.
fn place(item: &Item, category: &str) -> u64 {
    let mut memberships = item.memberships.iter();
    memberships
        .find(|membership| membership.category == category)
        .map_or(0, |membership| membership.sequence)
}

pub(crate) fn delete(
    call: &NamespaceCall<'_>,
    request: DeleteItemsRequest,
    params: WriteParams,
) -> Result<DeleteItemsResponse> {
    decode::not_empty(Path::field("items"), &request.items)?;
    for (index, key) in request.items.iter().enumerate() {
        text::key(Path::entry("items", index), key)?;
    }
    let command = Command::DeleteItems {
        keys: request.items,
        allow_missing: request.allow_missing,
    };
    let written = call.write(FieldPaths::of("items", "", ""), command, params)?;
    Ok(DeleteItemsResponse {
        deleted_count: outcome!(written, Outcome::DeleteItems { deleted } => deleted),
        revision: written.revision,
    })
}
