//! Categories and items, by key and in pages.

use ee_core::namespace::CategoryView;

use super::Engine;
use crate::api::{At, ItemFilter, ItemView, PART_KEY_BYTES, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::read::consistent as read;
use crate::{Error, Result};

impl Engine {
    /// A category.
    pub fn category(
        &self,
        namespace: &NamespaceHandle,
        key: &str,
        embeddings: bool,
        context: ReadContext,
    ) -> Result<At<CategoryView>> {
        let loaded = self.at(namespace, context)?;
        let published = loaded.read();
        let value = published.category(key, embeddings);
        Ok(At {
            value: value.ok_or_else(|| Error::CategoryNotFound {
                key: key.to_owned(),
            })?,
            revision: published.header().revision,
        })
    }

    /// [`Engine::category`] at an earlier revision.
    pub fn category_past(
        &self,
        namespace: &NamespaceHandle,
        revision: u64,
        key: &str,
        embeddings: bool,
        context: ReadContext,
    ) -> Result<At<CategoryView>> {
        let past = self.reading(|| self.shared.overlay(namespace, Some(revision), context))?;
        let value = past.published().category(key, embeddings);
        let value = value.ok_or_else(|| Error::CategoryNotFound {
            key: key.to_owned(),
        })?;
        Ok(At { value, revision })
    }

    /// Up to `limit` categories by key, after one.
    pub fn categories(
        &self,
        namespace: &NamespaceHandle,
        after: Option<&str>,
        limit: usize,
        embeddings: bool,
        context: ReadContext,
    ) -> Result<At<Vec<CategoryView>>> {
        let loaded = self.at(namespace, context)?;
        let published = loaded.read();
        Ok(At {
            value: published.page(after, limit, embeddings),
            revision: published.header().revision,
        })
    }

    /// An item.
    pub fn item(
        &self,
        namespace: &NamespaceHandle,
        key: &str,
        embedding: bool,
        context: ReadContext,
    ) -> Result<At<ItemView>> {
        let loaded = self.at(namespace, context)?;
        self.read_store(&loaded, |reads, row| {
            let item = reads.item_by_key(row.id, key)?;
            let item = item.ok_or_else(|| Error::ItemNotFound {
                key: key.to_owned(),
                query: None,
            })?;
            Ok(read::view(reads, row.id, item, embedding, &row.header)?)
        })
    }

    /// Up to `limit` items, and fewer once the keys of their parts have more than [`PART_KEY_BYTES`] together.
    pub fn items(
        &self,
        namespace: &NamespaceHandle,
        filter: ItemFilter,
        limit: usize,
        embeddings: bool,
        context: ReadContext,
    ) -> Result<At<Vec<ItemView>>> {
        let loaded = self.at(namespace, context)?;
        self.read_store(&loaded, |reads, row| {
            let items = read::page(reads, row.id, &filter, limit)?;
            let mut views = Vec::with_capacity(items.len());
            let mut bytes = PART_KEY_BYTES;
            for item in items {
                let view = read::view(reads, row.id, item, embeddings, &row.header)?;
                let keys = view.parts.iter().map(|part| part.item.len());
                let rest = bytes.checked_sub(keys.sum());
                views.push(view);
                let Some(rest) = rest else {
                    break;
                };
                bytes = rest;
            }
            Ok(views)
        })
    }
}
