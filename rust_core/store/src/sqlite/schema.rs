//! The tables.
//!
//! Wide rows (vectors) are in rowid tables, narrow ones in their index (WITHOUT ROWID), which halves
//! the size of a membership. Identifiers come from one counter in `head` and are never used again:
//! the log refers to items and categories by them.
//!
//! A write costs the pages that it touches, so rows are stored in the order in which they come: items
//! and memberships by the item's identifier, at the end of their tables. Only the members of a
//! category in order of assignment have to be stored elsewhere. New members go to `new_members`,
//! which is a few pages, and move from there to `members` a category at a time (see `members.rs`).
//!
//! BLOB columns hold records (`codec`), but for `embedding` and `sum`, which are arrays of numbers.
//! `extensions` holds fields that newer versions add to a row: NULL if the row uses none of them. So
//! a new field changes no row that does not use it.

/// Identifies the file as a database of this service: "EEst".
pub(super) const APPLICATION_ID: i32 = 0x4545_7374;

/// Version of the tables. Records have versions of their own.
pub(super) const FORMAT: i32 = 1;

/// Of new files; an existing file keeps the size of its pages. A single Assign writes eight or nine
/// pages, and a longer row goes on in pages that hold nothing else.
pub(super) const PAGE_SIZE: i32 = 4096;

/// The tables.
pub(super) const SCHEMA: &str = "
-- One row: how many entries the directory has, across namespaces.
CREATE TABLE head (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    sequence   INTEGER NOT NULL,  -- entries appended so far
    next_id    INTEGER NOT NULL,  -- next identifier of a namespace, category or item
    time       INTEGER NOT NULL,  -- time of the newest entry, ms since the epoch
    checksum   INTEGER NOT NULL,
    extensions BLOB
) STRICT;

CREATE TABLE namespaces (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL,
    state         INTEGER NOT NULL,  -- 0 active, 1 being restored, 2 deleted and to be purged
    settings      BLOB    NOT NULL,
    profile       BLOB    NOT NULL,
    header        BLOB    NOT NULL,
    sums_revision INTEGER NOT NULL,  -- revision up to which sums are in `sums`
    checksum      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX namespaces_by_name ON namespaces (name) WHERE state = 0;

CREATE TABLE categories (
    id        INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    record    BLOB    NOT NULL,
    checksum  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX categories_by_key ON categories (namespace, key);

-- What each category had absorbed at a revision.
CREATE TABLE sums (
    category  INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL,
    revision  INTEGER NOT NULL,
    stats     BLOB    NOT NULL,
    sum       BLOB    NOT NULL,
    checksum  INTEGER NOT NULL
) STRICT;

CREATE TABLE items (
    id         INTEGER PRIMARY KEY,
    namespace  INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    weight     REAL    NOT NULL,
    created    INTEGER NOT NULL,
    checksum   INTEGER NOT NULL,
    extensions BLOB,
    metadata   BLOB    NOT NULL,  -- empty: no metadata
    embedding  BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX items_by_key ON items (namespace, key);

-- The items that are in no category.
CREATE TABLE inbox (
    namespace INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    item      INTEGER NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE memberships (
    item       INTEGER NOT NULL,
    category   INTEGER NOT NULL,
    sequence   INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    checksum   INTEGER NOT NULL,
    extensions BLOB,
    PRIMARY KEY (item, category)
) STRICT, WITHOUT ROWID;

-- Memberships by category, in order of assignment: an index, in two parts.
CREATE TABLE members (
    category INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    PRIMARY KEY (category, sequence)
) STRICT, WITHOUT ROWID;

-- Members that were added last. An undo adds some at earlier places, so those of one category may lie
-- between its rows in `members`.
CREATE TABLE new_members (
    category INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    PRIMARY KEY (category, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
    namespace INTEGER NOT NULL,
    revision  INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,  -- place in the one order of all entries
    entry     BLOB    NOT NULL,
    checksum  INTEGER NOT NULL,
    PRIMARY KEY (namespace, revision)
) STRICT, WITHOUT ROWID;

-- First answers to requests with an id. Namespace 0: requests that create or delete a namespace, with
-- its name and a slash before the id.
CREATE TABLE idempotency_keys (
    namespace   INTEGER NOT NULL,
    request_id  TEXT    NOT NULL,
    time        INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    answer      BLOB    NOT NULL,
    checksum    INTEGER NOT NULL,
    PRIMARY KEY (namespace, request_id)
) STRICT, WITHOUT ROWID;
";

/// Tables that directories of the first development versions lack. A version that is older than `trims`
/// refuses such a directory by the extensions of its `head`, one that is older than `dismissals` or `parts`
/// a namespace that has some by the extensions of its header.
pub(super) const LATER_TABLES: &str = "
-- What was trimmed from the log of a namespace; no row: nothing.
CREATE TABLE IF NOT EXISTS trims (
    namespace      INTEGER PRIMARY KEY,
    first_revision INTEGER NOT NULL,  -- the first entry that is kept
    bytes          INTEGER NOT NULL,  -- bytes of the entries before it
    checksum       INTEGER NOT NULL
) STRICT;

-- The items that, as somebody has said, do not belong to a category.
CREATE TABLE IF NOT EXISTS dismissals (
    item       INTEGER NOT NULL,
    category   INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    checksum   INTEGER NOT NULL,
    extensions BLOB,
    PRIMARY KEY (item, category)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dismissals_by_category ON dismissals (category, item);

-- The items in whose mean another item has its embedding.
CREATE TABLE IF NOT EXISTS parts (
    composite  INTEGER NOT NULL,
    item       INTEGER NOT NULL,
    weight     REAL    NOT NULL,
    checksum   INTEGER NOT NULL,
    extensions BLOB,
    PRIMARY KEY (composite, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parts_by_item ON parts (item, composite);
";
