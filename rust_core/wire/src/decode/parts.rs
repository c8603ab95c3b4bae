//! The parts of a composite item.

use std::collections::HashMap;

use ee_core::command::{MAX_PARTS, PartPut};

use super::path::Path;
use super::{at_most, number, text};
use crate::call_error::{CallError, Result, Violations};
use crate::proto::v1::{ErrorReason, ItemPart};

/// The parts of an entry: distinct items, other than the composite itself; `None`: the entry has none.
/// `has_embedding`: whether it has an embedding, beside which there must be no parts.
pub(crate) fn optional(
    entry: Path<'_>,
    composite: (&'static str, &str),
    has_embedding: bool,
    parts: Vec<ItemPart>,
) -> Result<Option<Vec<PartPut>>> {
    if parts.is_empty() {
        return Ok(None);
    }
    let path = entry.then("parts");
    if has_embedding {
        let actual = format_args!("{} parts", parts.len());
        return Err(number::out_of_range(path, "empty beside embedding", actual));
    }
    at_most(path, parts.len(), MAX_PARTS)?;
    let (key_field, key) = composite;
    let mut violations = Violations::default();
    let mut first: HashMap<String, usize> = HashMap::with_capacity(parts.len());
    let mut puts = Vec::with_capacity(parts.len());
    for (index, part) in parts.into_iter().enumerate() {
        let path = entry.then_entry("parts", index);
        let item = path.then("item");
        violations.check(text::key(item, &part.item));
        if part.item == key {
            violations.check(Err::<(), _>(twice(item, key, entry.then(key_field))));
        }
        if let Some(&first) = first.get(&part.item) {
            let first = entry.then_entry("parts", first);
            violations.check(Err::<(), _>(twice(item, &part.item, first)));
        }
        let weight = part.weight.unwrap_or(1.0);
        let weight = violations.check(number::weight(path.then("weight"), weight));
        first.entry(part.item.clone()).or_insert(index);
        puts.push(PartPut {
            item: part.item,
            weight,
        });
    }
    violations.finish(Ok(Some(puts)))
}

/// The refusal of a key that an earlier field has.
#[cold]
fn twice(path: Path<'_>, key: &str, first: Path<'_>) -> CallError {
    let what = format!("is {key:?}, which {first} is, too");
    CallError::at(ErrorReason::ConflictingEntries, path.to_string(), what)
        .with("key", key)
        .with("first", first)
}
