//! Verify: rebuild everything from the items and compare it with `==`.

use std::ops::ControlFlow;

use ee_core::arithmetic::digest::SetDigest;
use ee_core::namespace::{CategoryDraft, Item, Namespace, PartsMean, Rebuild};
use ee_core::namespace::{dismissal_hash, membership_hash, part_hash};

use ee_store::{LogRange, NamespaceRow, Reads, StoreError, StoreResult};

use crate::api::VerifyReport;
use crate::{Error, Result};

/// Rows read at a time.
const SCAN: usize = 512;

/// Largest number of findings in a report.
const MAX_FINDINGS: usize = 100;

/// Rebuilds a category's sum from its members, in the room given. Only the end must be in range: the live sum may have
/// been reached in another order.
pub(crate) fn rebuild(
    reads: &dyn Reads,
    namespace: i64,
    draft: &mut CategoryDraft,
    mut rebuild: Rebuild,
) -> Result<()> {
    let id = draft.category.id;
    let (window, anchor) = (draft.category.settings.window, draft.category.anchor);
    draft.category.counting_from = anchor + 1;
    if window > 0 {
        let nth = u64::from(window) - 1;
        let oldest = reads.nth_newest_member(namespace, id, anchor, u64::MAX, nth)?;
        if let Some((sequence, _)) = oldest {
            draft.category.counting_from = sequence;
        }
    }
    let mut from = 0;
    loop {
        let members = reads.members(namespace, id, from, SCAN)?;
        for member in &members {
            if draft.category.counts(member.sequence) {
                let item = reads.item_by_id(namespace, member.item)?;
                rebuild.absorb(item.weight, &item.embedding, &member.origin.actor);
            } else {
                rebuild.pass_over();
            }
        }
        match members.last() {
            Some(last) if members.len() == SCAN => from = last.sequence + 1,
            _ => break,
        }
    }
    draft
        .set_rebuilt(rebuild)
        .map_err(|overflow| Error::InvalidSnapshot {
            reason: overflow.to_string(),
        })
}

/// The live state to compare with the stored one, from memory at the same revision.
pub(crate) struct Live {
    categories: Vec<CategoryDraft>,
}

impl Live {
    pub(crate) fn of(namespace: &Namespace) -> Self {
        let keys = namespace.categories().iter().map(|c| &c.key);
        let drafts = keys.filter_map(|key| namespace.draft_of(key));
        Self {
            categories: drafts.collect(),
        }
    }
}

/// Compares the live state with the stored one, and stored rows with each other.
pub(crate) fn verify(reads: &dyn Reads, row: &NamespaceRow, live: Live) -> Result<VerifyReport> {
    let mut findings = Findings::default();
    let mut categories = SetDigest::default();
    let category_count = live.categories.len() as u64;
    for draft in live.categories {
        let mut built = draft.clone();
        let key = &draft.category.key;
        let correction = &draft.category.unit_correction;
        let by_actor = draft.category.actors.is_some();
        let room = Rebuild::new(draft.sum.len(), correction.is_known(), by_actor);
        match rebuild(reads, row.id, &mut built, room) {
            Ok(()) => {}
            // That the device cannot be read says nothing about the data.
            Err(error @ Error::StoreFailed { .. }) => return Err(error),
            Err(error) => {
                findings.add(format!("category {key:?}: {error}"));
                continue;
            }
        }
        if built.sum != draft.sum {
            let component = built.sum.iter().zip(&draft.sum).position(|(a, b)| a != b);
            findings.add(format!(
                "category {key:?}: the live sum differs from the rebuilt one, first at component \
                 {}",
                component.unwrap_or(0)
            ));
        }
        if built.category.stats != draft.category.stats {
            findings.add(format!(
                "category {key:?}: counts are {:?}, rebuilt {:?}",
                draft.category.stats, built.category.stats
            ));
        }
        if correction.is_known() && built.category.unit_correction != *correction {
            findings.add(format!(
                "category {key:?}: the live sum of unit copies differs from the rebuilt one"
            ));
        }
        if let (Some(actors), Some(built)) = (&draft.category.actors, &built.category.actors) {
            let differs = correction.is_known() && !built.has_corrections_of(actors);
            if differs || built != actors {
                findings.add(format!(
                    "category {key:?}: the live sums of actors differ from the rebuilt ones"
                ));
            }
        }
        categories.insert(&built.compute_hash());
    }
    let mut header = row.header;
    compare(
        &mut findings,
        "categories",
        header.categories,
        category_count,
    );
    let scanned = scan_items(reads, row, &mut findings)?;
    compare(&mut findings, "items", header.items, scanned.items);
    compare(
        &mut findings,
        "memberships",
        header.memberships,
        scanned.memberships,
    );
    compare(
        &mut findings,
        "dismissals",
        header.dismissals,
        scanned.dismissals,
    );
    compare(&mut findings, "parts", header.parts, scanned.parts);
    compare(
        &mut findings,
        "items in the inbox",
        scanned.unassigned,
        reads.inbox_count(row.id)?,
    );
    verify_log(reads, row, &mut findings)?;
    header.category_records = categories;
    header.item_records = scanned.records;
    let digest = header.digest(&row.settings, &row.profile.ranking);
    if digest != row.digest() {
        findings.add("digest: the rebuilt state has another one than was recorded".into());
    }
    Ok(VerifyReport {
        categories: category_count,
        items: scanned.items,
        memberships: scanned.memberships,
        digest,
        findings: findings.0,
    })
}

#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, finding: String) {
        if self.0.len() < MAX_FINDINGS {
            self.0.push(finding);
        }
    }
}

fn compare(findings: &mut Findings, what: &str, recorded: u64, found: u64) {
    if recorded != found {
        findings.add(format!(
            "{what}: {recorded} were counted, {found} are stored"
        ));
    }
}

#[derive(Default)]
struct Scanned {
    items: u64,
    memberships: u64,
    dismissals: u64,
    parts: u64,
    /// Items in no category.
    unassigned: u64,
    records: SetDigest,
}

fn scan_items(reads: &dyn Reads, row: &NamespaceRow, findings: &mut Findings) -> Result<Scanned> {
    let namespace = row.id;
    let mut scanned = Scanned::default();
    let mut after = String::new();
    loop {
        let page = match reads.items_page(namespace, &after, SCAN) {
            Ok(page) => page,
            Err(StoreError::Corrupted { place, what } | StoreError::Newer { place, what }) => {
                // Rows after this one by key are not read: their position is unknown.
                findings.add(format!("{place}: {what}"));
                return Ok(scanned);
            }
            Err(error) => return Err(error.into()),
        };
        let Some(last) = page.last() else {
            return Ok(scanned);
        };
        after.clone_from(&last.key);
        for item in page {
            scanned.items += 1;
            scanned.records.insert(&item.hash());
            match scan_memberships(reads, namespace, &item, &mut scanned) {
                Ok(0) => {
                    scanned.unassigned += 1;
                    if !reads.in_inbox(namespace, &item.key, item.id)? {
                        findings.add(format!("item {:?}: not in the inbox", item.key));
                    }
                }
                Ok(_) => {}
                Err(error @ StoreError::Failed { .. }) => return Err(error.into()),
                Err(error) => findings.add(format!("item {:?}: {error}", item.key)),
            }
            match scan_parts(reads, row, &item, &mut scanned) {
                Ok(()) => {}
                Err(error @ StoreError::Failed { .. }) => return Err(error.into()),
                Err(error) => findings.add(format!("item {:?}: {error}", item.key)),
            }
        }
    }
}

/// Adds the memberships and dismissals of an item; returns the number of its memberships.
fn scan_memberships(
    reads: &dyn Reads,
    namespace: i64,
    item: &Item,
    scanned: &mut Scanned,
) -> StoreResult<usize> {
    for dismissal in reads.dismissals_of(namespace, item.id)? {
        let category = reads.category_key(namespace, dismissal.category)?;
        scanned.dismissals += 1;
        scanned
            .records
            .insert(&dismissal_hash(&item.key, &category));
    }
    let memberships = reads.memberships_of(namespace, item.id)?;
    let count = memberships.len();
    for membership in memberships {
        let category = reads.category_key(namespace, membership.category)?;
        if !reads.is_member(namespace, &membership)? {
            return Err(StoreError::corrupted(
                format!("category {category:?}"),
                "is not among its members",
            ));
        }
        scanned.memberships += 1;
        scanned
            .records
            .insert(&membership_hash(&item.key, &category));
    }
    Ok(count)
}

/// Adds the parts of an item, whose mean must be its embedding.
fn scan_parts(
    reads: &dyn Reads,
    row: &NamespaceRow,
    item: &Item,
    scanned: &mut Scanned,
) -> StoreResult<()> {
    let parts = reads.parts_of(row.id, item.id)?;
    if parts.is_empty() {
        return Ok(());
    }
    let wrong = |what| Err(StoreError::corrupted("parts", what));
    let mut mean = PartsMean::new(&row.settings);
    for part in parts {
        let own = reads.item_by_id(row.id, part.item)?;
        scanned.parts += 1;
        let hash = part_hash(&item.key, &own.key, part.weight);
        scanned.records.insert(&hash);
        mean.add(part.weight, &own.embedding);
        if !reads.is_part(row.id, &part)? {
            return wrong(format!("{:?} is not listed as a part of it", own.key));
        }
        if !reads.parts_of(row.id, own.id)?.is_empty() {
            return wrong(format!("{:?}, a part of it, has parts itself", own.key));
        }
    }
    match mean.embedding(&row.settings) {
        Ok(mean) if mean == item.embedding => Ok(()),
        Ok(_) => wrong("their mean is not its embedding".to_owned()),
        Err(error) => wrong(format!("they have no mean: {error}")),
    }
}

/// Reads the whole log, and compares it with what was recorded of it.
fn verify_log(reads: &dyn Reads, row: &NamespaceRow, findings: &mut Findings) -> Result<()> {
    let start = match reads.history_start(row.id) {
        Ok(start) => start,
        Err(StoreError::Corrupted { place, what } | StoreError::Newer { place, what }) => {
            findings.add(format!("{place}: {what}"));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let (mut entries, mut bytes, mut next) = (0, 0, row.header.revision);
    let mut gaps = Vec::new();
    let all = LogRange {
        first: 0,
        last: u64::MAX,
        newest_first: true,
        containing: &[],
    };
    let read = reads.entries_in(row.id, &all, &mut |entry| {
        if entry.revision != next {
            gaps.push(format!(
                "log: entry {} stands where {next} must be",
                entry.revision
            ));
        }
        entries += 1;
        bytes += entry.bytes as u64;
        next = entry.revision.saturating_sub(1);
        Ok(ControlFlow::Continue(()))
    });
    for gap in gaps {
        findings.add(gap);
    }
    match read {
        Ok(()) => {}
        Err(StoreError::Corrupted { place, what } | StoreError::Newer { place, what }) => {
            findings.add(format!("{place}: {what}"));
        }
        Err(error) => return Err(error.into()),
    }
    let recorded = (row.header.revision + 1).saturating_sub(start.first_revision);
    compare(findings, "log entries", recorded, entries);
    if let Some(counted) = row.header.log_bytes {
        let recorded = counted.saturating_sub(start.trimmed_bytes);
        compare(findings, "bytes of log entries", recorded, bytes);
    }
    let (oldest, first) = (next + 1, start.first_revision);
    if entries > 0 && oldest != first {
        findings.add(format!(
            "log: the oldest entry is {oldest}, it must be {first}"
        ));
    }
    Ok(())
}
