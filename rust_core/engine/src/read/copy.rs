//! A copy of a namespace's categories, read from a view of the store: for reads that take long, and
//! for those that change it in memory. No other call waits for them.

use ee_core::namespace::Namespace;
use ee_store::{NamespaceRow, Reads};

use crate::catalog::load;
use crate::copy_budget::{CopiedBytes, CopyBudget};
use crate::{Error, Result};

/// The most bytes of categories that one read copies.
pub const COPIED_BYTES: u64 = 256 << 20;

/// Bytes of a component of a category: its sum, its base, its row and the row's sketch.
const COMPONENT_BYTES: u64 = 17;

/// The categories of a namespace, as of the revision of a view, and the bytes that they take of a budget.
pub(crate) fn copy(
    reads: &dyn Reads,
    row: &NamespaceRow,
    budget: &CopyBudget,
) -> Result<(Namespace, CopiedBytes)> {
    let bytes = u64::from(row.settings.dimension) * COMPONENT_BYTES;
    let limit = COPIED_BYTES / bytes;
    if row.header.categories > limit {
        return Err(Error::CopyTooLarge {
            categories: row.header.categories,
            limit,
        });
    }
    let mut copied = budget.take(row.header.categories * bytes)?;
    let (namespace, _) = load::read_namespace(reads, row)?;
    // Their number is known once they are read.
    copied.grow_to(copied.bytes() + namespace.actor_bytes() as u64)?;
    Ok((namespace, copied))
}
