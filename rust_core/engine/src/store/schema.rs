//! The tables.
//!
//! Wide rows (vectors) live in rowid tables, narrow ones in their index (WITHOUT ROWID), which
//! halves what a membership costs. Identifiers come from one counter in `head` and are never used
//! again: the log refers to items and categories by them.

/// Identifies the file as ours: "EEdb".
pub(super) const APPLICATION_ID: i32 = 0x4545_6462;

/// Version of the schema and of the blobs in it.
pub(super) const FORMAT: i32 = 1;

/// Rows of 1 to 16 KiB fit best into pages of this size.
pub(super) const PAGE_SIZE: i32 = ee_vfs::PAGE_SIZE as i32;

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

CREATE TABLE memberships (
    category INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (category, sequence)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX memberships_by_item ON memberships (item, category);

CREATE TABLE log (
    namespace INTEGER NOT NULL,
    revision  INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,  -- place in the one order of all entries
    entry     BLOB    NOT NULL,
    checksum  INTEGER NOT NULL,
    PRIMARY KEY (namespace, revision)
) STRICT, WITHOUT ROWID;

-- First answers to requests with an id. Namespace 0: requests that create or delete one.
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
