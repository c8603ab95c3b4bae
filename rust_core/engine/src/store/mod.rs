//! The store: SQLite, and the only place that speaks SQL.
//!
//! Invariants: every page carries a checksum that is checked when it is read, so that an index
//! hides no row, and every row one that is checked when it is used; one connection writes; an
//! error of SQLite is never tried again.

pub(crate) mod checkpointer;
mod checksum;
mod codec;
mod copy_back;
mod database;
pub(crate) mod directory;
mod error;
mod head;
mod integrity;
mod items;
mod log;
mod lookup;
mod members;
mod namespaces;
mod pages;
mod pending;
mod purge;
mod readers;
mod requests;
mod salvage;
mod schema;
mod sums;
mod vacuum;

use codec::{decode, encode};
pub(crate) use copy_back::{copy_back, empty_log, leave_log, log_frames};
pub(crate) use database::{copied_sequence, open_copier, open_writer, page_size, sqlite_version};
pub(crate) use error::StoreError;
pub(crate) use head::Head;
pub(crate) use items::SqlStore;
pub(crate) use members::NewMembers;
pub(crate) use namespaces::{NamespaceRow, State};
pub(crate) use pending::{Pending, statement};
pub(crate) use readers::{Reader, Readers};
pub(crate) use requests::Remembered;
pub(crate) use vacuum::copy_database;

/// Result of a step in the store.
pub(crate) type StoreResult<T> = Result<T, StoreError>;

pub(crate) mod queries {
    //! Reads and writes by table, as functions on a connection.
    pub(crate) use super::integrity::*;
    pub(crate) use super::log::*;
    pub(crate) use super::lookup::*;
    pub(crate) use super::members::*;
    pub(crate) use super::namespaces::*;
    pub(crate) use super::pages::*;
    pub(crate) use super::purge::*;
    pub(crate) use super::requests::*;
    pub(crate) use super::salvage::*;
    pub(crate) use super::sums::*;
}
