//! What every store must do. A store runs the suite from a test of its own:
//!
//! ```text
//! for (name, check) in conformance::CHECKS {
//!     check(&*open_an_empty_store());
//! }
//! ```

mod fixtures;
mod log;
mod namespaces;
mod rows;
mod transactions;

use ee_store::Backend;

/// A check of an empty store. Panics if the store fails it.
pub type Check = fn(&dyn Backend);

/// The suite, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("a view is of one moment", transactions::views),
    (
        "a rolled back transaction leaves nothing",
        transactions::rollback,
    ),
    ("an undone command leaves the others", transactions::undo),
    ("rows are read as they were written", rows::rows),
    ("categories get other keys", rows::renames),
    (
        "dismissals are found by item and by category",
        rows::dismissals,
    ),
    ("parts are found by composite and by item", rows::parts),
    ("members are in order of assignment", rows::members),
    ("the inbox has the items in no category", rows::inbox),
    ("the log is read back from the newest entry", log::log),
    (
        "a range of the log is read in either order",
        log::log_ranges,
    ),
    ("the oldest entries are trimmed in steps", log::trims),
    ("answers are kept and expire", log::answers),
    (
        "namespaces are created, listed and deleted",
        namespaces::namespaces,
    ),
    ("deleted namespaces are purged", namespaces::purge),
    (
        "a restore is invisible until it is finished",
        namespaces::restore,
    ),
    ("sums are read back with their revision", rows::sums),
    ("time does not go back", transactions::time),
    (
        "a namespace is enlisted at its revision",
        transactions::enlist,
    ),
];
