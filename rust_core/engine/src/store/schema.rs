//! The tables.
//!
//! Wide rows (vectors) live in rowid tables, narrow ones in their index (WITHOUT ROWID), which
//! halves what a membership costs. Identifiers come from one counter in `head` and are never used
//! again: the log refers to items and categories by them.
//!
//! What a write costs is the pages that it touches, so rows stand in the order in which they come:
//! items and memberships by the item's identifier, at the end of their tables. Only the members of
//! a category in order of assignment have to stand elsewhere. They come to `new_members`, which is
//! a few pages, and go from there to `members` a category at a time (see `members.rs`).

/// Identifies the file as ours: "EEdb".
pub(super) const APPLICATION_ID: i32 = 0x4545_6462;

/// Version of the schema and of the blobs in it.
pub(super) const FORMAT: i32 = 2;

/// Of new files; a file keeps the size of its pages. A single Assign writes eight or nine pages,
/// and a row that is longer goes on in pages that hold nothing else.
pub(super) const PAGE_SIZE: i32 = 4096;

/// The tables that say what is in which category: the part that format 1 had otherwise.
pub(super) const MEMBERSHIPS: &str = "
CREATE TABLE memberships (
    item     INTEGER NOT NULL,
    category INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (item, category)
) STRICT, WITHOUT ROWID;

-- Memberships by category, in order of assignment: an index, in two parts.
CREATE TABLE members (
    category INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    PRIMARY KEY (category, sequence)
) STRICT, WITHOUT ROWID;

-- The newest of them. Of one category they are all newer than those in `members`.
CREATE TABLE new_members (
    category INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    PRIMARY KEY (category, sequence)
) STRICT, WITHOUT ROWID;
";

/// Moves what format 1 had into [`MEMBERSHIPS`]: one table by category, and an index by item.
pub(super) const FROM_FORMAT_1: [&str; 2] = [
    "ALTER TABLE memberships RENAME TO memberships_1;
     DROP INDEX memberships_by_item;",
    "INSERT INTO memberships
       SELECT item, category, sequence, time, actor, reason, checksum
       FROM memberships_1 ORDER BY item, category;
     INSERT INTO members SELECT category, sequence, item FROM memberships_1;
     DROP TABLE memberships_1;",
];

/// The other tables.
pub(super) const SCHEMA: &str = "
-- One row: how far the one ordered log has come, across namespaces.
CREATE TABLE head (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,  -- entries appended so far
    next_id  INTEGER NOT NULL,  -- next identifier of a namespace, category or item
    time     INTEGER NOT NULL,  -- time of the newest entry, ms since the epoch
    checksum INTEGER NOT NULL
) STRICT;

CREATE TABLE namespaces (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    state      INTEGER NOT NULL,  -- 0 active, 1 being restored, 2 deleted and to be purged
    settings   BLOB    NOT NULL,
    profile    BLOB    NOT NULL,
    header     BLOB    NOT NULL,
    checkpoint INTEGER NOT NULL,  -- revision up to which sums are in `sums`
    checksum   INTEGER NOT NULL
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
    absorbed  BLOB    NOT NULL,
    sum       BLOB    NOT NULL,
    checksum  INTEGER NOT NULL
) STRICT;

CREATE TABLE items (
    id        INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    weight    REAL    NOT NULL,
    created   INTEGER NOT NULL,
    checksum  INTEGER NOT NULL,
    metadata  BLOB    NOT NULL,
    embedding BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX items_by_key ON items (namespace, key);

-- The items that are in no category.
CREATE TABLE inbox (
    namespace INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    item      INTEGER NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
    namespace INTEGER NOT NULL,
    revision  INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,  -- place in the one order of all entries
    entry     BLOB    NOT NULL,
    checksum  INTEGER NOT NULL,
    PRIMARY KEY (namespace, revision)
) STRICT, WITHOUT ROWID;

-- First answers to requests with an id. Namespace 0: requests that create or delete one, with its
-- name and a slash before the id.
CREATE TABLE requests (
    namespace   INTEGER NOT NULL,
    request_id  TEXT    NOT NULL,
    time        INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    answer      BLOB    NOT NULL,
    checksum    INTEGER NOT NULL,
    PRIMARY KEY (namespace, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (time);
";
