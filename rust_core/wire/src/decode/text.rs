//! Names, keys, texts and maps.

use ee_core::settings::Metadata;

use super::path::Path;
use super::too_large;
use crate::call_error::{CallError, Result};
use crate::limits::{KEY_BYTES, METADATA_BYTES, METADATA_ENTRIES, NAMESPACE_NAME_BYTES};
use crate::proto::v1::ErrorReason;

/// Checks a namespace's name: letters, digits and `. _ : -`, a letter or digit first.
pub(crate) fn namespace_name(path: Path<'_>, name: &str) -> Result<()> {
    length(path, name, NAMESPACE_NAME_BYTES)?;
    let fits = |(index, c): (usize, char)| {
        c.is_ascii_alphanumeric() || (index > 0 && matches!(c, '.' | '_' | ':' | '-'))
    };
    match name.char_indices().find(|&entry| !fits(entry)) {
        None => Ok(()),
        Some((index, c)) => Err(character(
            path,
            index,
            c,
            "names have A-Z, a-z, 0-9 and . _ : - and begin with a letter or digit",
        )),
    }
}

/// Checks the key of a category or item: UTF-8 without control characters.
pub(crate) fn key(path: Path<'_>, key: &str) -> Result<()> {
    length(path, key, KEY_BYTES)?;
    // Most keys are short and ASCII; only the others take the slow check.
    if key.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(());
    }
    match key.char_indices().find(|(_, c)| c.is_control()) {
        None => Ok(()),
        Some((index, c)) => Err(character(path, index, c, "keys have no control characters")),
    }
}

/// Checks the key of the category that an item is expected in; empty: none.
pub(crate) fn expected_category(path: Path<'_>, expected: Option<&str>) -> Result<()> {
    match expected {
        None | Some("") => Ok(()),
        Some(expected) => key(path.then("expected_category"), expected),
    }
}

/// Checks a text, such as a description.
pub(crate) fn text(path: Path<'_>, text: &str, limit: usize) -> Result<()> {
    if text.len() > limit {
        return Err(too_large(path, text.len(), limit, "bytes"));
    }
    Ok(())
}

/// Checks the caller's metadata or labels.
pub(crate) fn metadata(path: Path<'_>, map: &Metadata) -> Result<()> {
    if map.is_empty() {
        return Ok(());
    }
    super::at_most(path, map.len(), METADATA_ENTRIES)?;
    let bytes = map.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > METADATA_BYTES {
        return Err(too_large(path, bytes, METADATA_BYTES, "bytes"));
    }
    Ok(())
}

fn length(path: Path<'_>, text: &str, limit: usize) -> Result<()> {
    if (1..=limit).contains(&text.len()) {
        return Ok(());
    }
    let actual = text.len();
    let what = format!("has {actual} bytes, it must have 1 to {limit}");
    Err(
        CallError::at(ErrorReason::InvalidKey, path.to_string(), what)
            .with("limit", limit)
            .with("actual", actual),
    )
}

#[cold]
fn character(path: Path<'_>, index: usize, c: char, rule: &str) -> CallError {
    let code = format!("U+{:04X}", u32::from(c));
    let what = format!("has {code} at byte {index}; {rule}");
    CallError::at(ErrorReason::InvalidKey, path.to_string(), what)
        .with("character", code)
        .with("position", index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str| namespace_name(Path::field("namespace"), name).is_ok();
        for name in ["a", "0", "Team-1:notes_x.y", &"n".repeat(128)] {
            assert!(check(name), "{name}");
        }
        for name in ["", "-a", ".a", "a b", "a/b", "ä", "a\0", &"n".repeat(129)] {
            assert!(!check(name), "{name}");
        }
    }

    #[test]
    fn keys() {
        let check = |name: &str| key(Path::field("item"), name).is_ok();
        for name in [" ", "Größe/日本 🙂", "a/b c", &"k".repeat(512)] {
            assert!(check(name), "{name}");
        }
        for name in ["", "a\n", "\u{7f}", "a\u{85}", "\0", &"ö".repeat(257)] {
            assert!(!check(name), "{name}");
        }
    }
}
