//! From messages to the engine's types. These modules find every fault of a request that does not depend
//! on the content of the namespace, and name the path of its field.

pub(crate) mod namespace;
pub(crate) mod number;
pub(crate) mod parts;
pub(crate) mod path;
pub(crate) mod shape;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod vector;

use ee_core::settings::Metadata;

use self::path::Path;
use crate::call_error::{CallError, Result, Violations};
use crate::proto::v1::ErrorReason;

/// Refuses an empty list.
pub(crate) fn not_empty<T>(path: Path<'_>, list: &[T]) -> Result<()> {
    if list.is_empty() {
        return Err(CallError::at(
            ErrorReason::RequiredField,
            path.to_string(),
            "is empty, it needs at least one entry",
        ));
    }
    Ok(())
}

/// Checks the keys of a list.
pub(crate) fn keys_of(field: &'static str, keys: &[String]) -> Result<()> {
    let mut violations = Violations::default();
    for (index, key) in keys.iter().enumerate() {
        violations.check(text::key(Path::entry(field, index), key));
    }
    violations.finish(Ok(()))
}

/// Checks the keys of a list that must not be empty.
pub(crate) fn keys(field: &'static str, keys: &[String]) -> Result<()> {
    not_empty(Path::field(field), keys)?;
    keys_of(field, keys)
}

/// Refuses a list that is too long.
pub(crate) fn at_most(path: Path<'_>, actual: usize, limit: usize) -> Result<()> {
    if actual > limit {
        return Err(too_large(path, actual, limit, "entries"));
    }
    Ok(())
}

/// The refusal of a list or text that is longer than its limit.
#[cold]
pub(crate) fn too_large(path: Path<'_>, actual: usize, limit: usize, unit: &str) -> CallError {
    CallError::at(
        ErrorReason::TooLarge,
        path.to_string(),
        format_args!("has {actual} {unit}, at most {limit} are allowed"),
    )
    .with("limit", limit)
    .with("actual", actual)
}

/// The refusal of a field that must be set.
#[cold]
pub(crate) fn required(path: Path<'_>, what: &str) -> CallError {
    CallError::at(ErrorReason::RequiredField, path.to_string(), what)
}

/// The new value of a `metadata` field: an empty map changes nothing, unless `replace` is set.
pub(crate) fn metadata(path: Path<'_>, map: Metadata, replace: bool) -> Result<Option<Metadata>> {
    text::metadata(path, &map)?;
    Ok((replace || !map.is_empty()).then_some(map))
}
