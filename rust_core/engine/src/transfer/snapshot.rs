//! Snapshots: everything at one revision, frame by frame.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use ee_core::arithmetic::digest::SetDigest;
use ee_core::namespace::{CategoryView, Header};
use ee_core::namespace::{dismissal_hash, membership_hash, part_hash};

use ee_store::View;

use crate::api::{Frame, NamespaceView, SnapshotView};
use crate::catalog::cached_namespace::CachedNamespace;
use crate::read::consistent as read;
use crate::shared::Shared;
use crate::{Error, Result};

/// Bytes of vectors in a frame, about.
const FRAME_BYTES: usize = 512 * 1024;

/// Parts of items after which a frame ends.
const FRAME_PARTS: usize = 10_000;

/// Frames of a snapshot, in order. It sees one moment, however long it is read for; the store's
/// log file cannot be trimmed below that moment meanwhile.
pub struct Snapshot {
    /// Not held: a snapshot that is still being read keeps no directory locked.
    shared: Weak<Shared>,
    frames: Frames,
    header: Option<Frame>,
    rows: usize,
    counts: Counts,
    digest: [u8; 32],
    ended: bool,
}

#[derive(Default)]
struct Counts {
    categories: u64,
    items: u64,
    memberships: u64,
}

impl Counts {
    /// Refuses to end a snapshot that is not what was recorded: a backup is found to be damaged
    /// when it is taken, not when it is needed.
    fn check(&self, header: &Header, records: &SetDigest) -> Result<()> {
        let came = (self.categories, self.items, self.memberships);
        let recorded = (header.categories, header.items, header.memberships);
        if came == recorded && *records == header.item_records {
            return Ok(());
        }
        Err(Error::Corrupted {
            place: "snapshot".into(),
            what: format!(
                "{came:?} categories, items and memberships are stored and {recorded:?} were \
                 recorded, or their digest is another one"
            ),
        })
    }
}

enum Frames {
    Full {
        store: Box<dyn View>,
        namespace: i64,
        after: String,
        items: bool,
        /// What was recorded, and what came of items and memberships so far.
        recorded: Box<(Header, SetDigest)>,
    },
    Effective(VecDeque<CategoryView>),
}

impl Snapshot {
    pub(crate) fn full(
        shared: &Arc<Shared>,
        loaded: &Arc<CachedNamespace>,
        now_ms: i64,
    ) -> Result<Self> {
        let store = shared.backend.view()?;
        let row = read::pinned(store.reads(), loaded)?;
        shared.published(loaded, row.header.revision)?;
        let frames = Frames::Full {
            namespace: row.id,
            after: String::new(),
            items: false,
            recorded: Box::new((row.header, SetDigest::default())),
            store,
        };
        Ok(Self::new(
            shared,
            SnapshotView::Full,
            NamespaceView::of(&row),
            frames,
            now_ms,
        ))
    }

    pub(crate) fn effective(shared: &Arc<Shared>, loaded: &CachedNamespace, now_ms: i64) -> Self {
        let (view, categories) = {
            let published = loaded.read();
            let mut categories = published.page(None, usize::MAX, true);
            for category in &mut categories {
                category.base = None;
            }
            let view = NamespaceView::new(
                &loaded.name,
                published.settings(),
                published.profile(),
                published.header(),
            );
            (view, categories)
        };
        let frames = Frames::Effective(categories.into());
        Self::new(shared, SnapshotView::Effective, view, frames, now_ms)
    }

    fn new(
        shared: &Arc<Shared>,
        view: SnapshotView,
        namespace: NamespaceView,
        frames: Frames,
        time_ms: i64,
    ) -> Self {
        let bytes = namespace.settings.dimension as usize * size_of::<f32>();
        Self {
            shared: Arc::downgrade(shared),
            frames,
            rows: (FRAME_BYTES / bytes).clamp(1, 1000),
            counts: Counts::default(),
            digest: namespace.digest,
            header: Some(Frame::Header {
                view,
                namespace,
                time_ms,
            }),
            ended: false,
        }
    }

    fn frame(&mut self) -> Result<Option<Frame>> {
        match &mut self.frames {
            Frames::Effective(categories) => {
                let page: Vec<_> = categories
                    .drain(..self.rows.min(categories.len()))
                    .collect();
                self.counts.categories += page.len() as u64;
                Ok((!page.is_empty()).then_some(Frame::Effective(page)))
            }
            Frames::Full {
                store,
                namespace,
                after,
                items,
                recorded,
            } => {
                let (header, records) = &mut **recorded;
                if !*items {
                    let page = store.category_records(*namespace, after, self.rows)?;
                    if let Some((_, last)) = page.last() {
                        *after = last.key.to_string();
                        self.counts.categories += page.len() as u64;
                        let records = page.into_iter().map(|(_, record)| record);
                        return Ok(Some(Frame::Records(records.collect())));
                    }
                    *items = true;
                    after.clear();
                }
                let page = store.items_page(*namespace, after, self.rows)?;
                if page.is_empty() {
                    self.counts.check(header, records)?;
                    return Ok(None);
                }
                let mut views = Vec::with_capacity(page.len());
                let mut parts = 0;
                for item in page {
                    records.insert(&item.hash());
                    let view = read::view(store.reads(), *namespace, item, true, header)?;
                    for part in &view.parts {
                        records.insert(&part_hash(&view.key, &part.item, part.weight));
                    }
                    for dismissal in &view.dismissals {
                        records.insert(&dismissal_hash(&view.key, &dismissal.category));
                    }
                    for membership in &view.memberships {
                        records.insert(&membership_hash(&view.key, &membership.category));
                    }
                    parts += view.parts.len();
                    after.clone_from(&view.key);
                    views.push(view);
                    if parts > FRAME_PARTS {
                        break;
                    }
                }
                self.counts.items += views.len() as u64;
                self.counts.memberships += views
                    .iter()
                    .map(|view| view.memberships.len() as u64)
                    .sum::<u64>();
                Ok(Some(Frame::Items(views)))
            }
        }
    }
}

impl Iterator for Snapshot {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if let Some(header) = self.header.take() {
            return Some(Ok(header));
        }
        let frame = self.frame().map_err(|error| match self.shared.upgrade() {
            Some(shared) => shared.read_error(error),
            None => error,
        });
        let frame = frame.map(|frame| {
            frame.unwrap_or_else(|| {
                self.ended = true;
                Frame::Trailer {
                    categories: self.counts.categories,
                    items: self.counts.items,
                    memberships: self.counts.memberships,
                    digest: self.digest,
                }
            })
        });
        self.ended |= frame.is_err();
        Some(frame)
    }
}
