//! Vectors: decoded from either form on the wire, checked, and normalized as the namespace requires.

use ee_core::arithmetic::vector::{VectorError, normalize};
use ee_core::settings::NamespaceSettings;

use super::path::Path;
use crate::call_error::{CallError, Result};
use crate::embedding::Embedding;
use crate::proto::v1::ErrorReason;

/// Checks and normalizes a vector.
pub(crate) fn vector(
    settings: &NamespaceSettings,
    path: Path<'_>,
    embedding: Embedding,
) -> Result<Vec<f32>> {
    let components = components(path, embedding)?;
    normalize(settings, components).map_err(|error| refused(path, &error))
}

/// Checks and normalizes a vector, if one is set.
pub(crate) fn optional(
    settings: &NamespaceSettings,
    path: Path<'_>,
    embedding: Option<Embedding>,
) -> Result<Option<Vec<f32>>> {
    embedding
        .map(|embedding| vector(settings, path, embedding))
        .transpose()
}

fn components(path: Path<'_>, embedding: Embedding) -> Result<Vec<f32>> {
    let invalid = |what: &str, actual: String| {
        CallError::at(ErrorReason::InvalidVector, path.to_string(), what).with("actual", actual)
    };
    let Embedding {
        data,
        data_bytes,
        values,
    } = embedding;
    if data_bytes > 0 && !values.is_empty() {
        let what = "has both data and values, it must have one of them";
        let actual = format!("{data_bytes} bytes and {} values", values.len());
        return Err(invalid(what, actual));
    }
    if data_bytes % size_of::<f32>() != 0 {
        let what = "data has a length that is no multiple of 4 bytes";
        return Err(invalid(what, format!("{data_bytes} bytes")));
    }
    Ok(if data_bytes > 0 { data } else { values })
}

#[cold]
fn refused(path: Path<'_>, error: &VectorError) -> CallError {
    let fault = |reason| CallError::at(reason, path.to_string(), error);
    match error {
        VectorError::Dimension { expected, actual } => fault(ErrorReason::DimensionMismatch)
            .with("expected", expected)
            .with("actual", actual),
        VectorError::NotFinite { component, value }
        | VectorError::ComponentTooLarge { component, value } => fault(ErrorReason::InvalidVector)
            .with("component", component)
            .with("actual", value),
        VectorError::NormTooSmall { norm } => fault(ErrorReason::InvalidVector)
            .with("norm", format_args!("{norm:e}"))
            .with("actual", format_args!("{norm:e}")),
    }
}
