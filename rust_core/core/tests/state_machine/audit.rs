//! Everything that a namespace derives, rebuilt from the stored records and compared bit for bit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ee_core::arithmetic::digest::SetDigest;
use ee_core::arithmetic::fixed;
use ee_core::arithmetic::vector::norm_squared;
use ee_core::namespace::{
    CategoryDraft, CategoryView, Header, Item, Namespace, PartsMean, UnitCorrection,
    dismissal_hash, membership_hash, part_hash,
};
use ee_core::scoring::{ActorSum, Scorer};
use ee_core::settings::{NamespaceSettings, RankingSettings};

use crate::machine::{DIMENSION, Machine, rank};
use crate::map_store::MapStore;
use crate::members::unit_corrections;

/// The sequences of the counting members of a category, by definition.
pub(crate) fn counting(store: &MapStore, category: i64) -> BTreeSet<u64> {
    let record = &store.categories[&category];
    if record.settings.frozen {
        return BTreeSet::new();
    }
    let window = match record.settings.window {
        0 => usize::MAX,
        window => window as usize,
    };
    let newest_first = store.members_of(category).rev();
    let candidates = newest_first.filter(|m| m.sequence > record.anchor);
    candidates.take(window).map(|m| m.sequence).collect()
}

/// A category, built from its record and its members.
pub(crate) fn rebuilt(
    store: &MapStore,
    category: i64,
    settings: &NamespaceSettings,
) -> CategoryDraft {
    let counting = counting(store, category);
    let record = store.categories[&category].clone();
    let ranking = RankingSettings::default();
    let mut draft = CategoryDraft::create(settings, ranking, category, record);
    let mut correction = vec![0; settings.dimension as usize];
    let mut actors: BTreeMap<Arc<str>, ActorSum> = BTreeMap::new();
    for membership in store.members_of(category) {
        draft.category.stats.members += 1;
        if !counting.contains(&membership.sequence) {
            continue;
        }
        let item = &store.items[&membership.item];
        // The end is in range, though partial sums in this order may not be.
        fixed::replay(
            &mut draft.sum,
            f64::from(item.weight),
            &item.embedding,
            false,
        );
        let stats = &mut draft.category.stats;
        stats.counting += 1;
        stats.weight = stats.weight.plus(item.weight);
        stats.squares = stats
            .squares
            .plus(item.weight, norm_squared(&item.embedding));
        correct(&mut correction, item);
        if draft.category.actors.is_some() {
            let actor = Arc::from(membership.origin.actor.as_str());
            let own = actors.entry(actor).or_default();
            own.sum.resize(settings.dimension as usize, 0);
            fixed::replay(&mut own.sum, f64::from(item.weight), &item.embedding, false);
            own.count += 1;
            own.weight = own.weight.plus(item.weight);
        }
    }
    if let Some(own) = &mut draft.category.actors {
        *own = Arc::new(actors.into_iter().collect());
    }
    draft.category.unit_correction = match correction.iter().all(|&component| component == 0) {
        true => UnitCorrection::Zero,
        false => UnitCorrection::Known(Arc::new(correction)),
    };
    draft.category.hash = draft.compute_hash();
    draft
}

/// What a member's part of the sum lacks to be that of its unit copy.
fn correct(correction: &mut [i64], item: &Item) {
    let norm = norm_squared(&item.embedding).sqrt();
    if (norm - 1.0).abs() > 1.0 / 262_144.0 {
        let unit = |&x: &f32| (f64::from(x) / norm) as f32;
        let unit: Vec<_> = item.embedding.iter().map(unit).collect();
        fixed::replay(correction, f64::from(item.weight), &unit, false);
        fixed::replay(correction, f64::from(item.weight), &item.embedding, true);
    }
}

/// Checks a namespace against the stored records.
///
/// # Panics
///
/// If anything differs by a bit.
pub(crate) fn audit(namespace: &Namespace, store: &MapStore) {
    let mut expected = Header {
        revision: namespace.header().revision,
        next_sequence: namespace.header().next_sequence,
        categories: store.categories.len() as u64,
        items: store.items.len() as u64,
        memberships: store.memberships.len() as u64,
        dismissals: store.dismissals.len() as u64,
        parts: store.parts.len() as u64,
        ..Header::default()
    };
    for (&id, record) in &store.categories {
        let mut built = rebuilt(store, id, namespace.settings());
        expected.category_records.insert(&built.category.hash);
        audit_category(namespace, store, &mut built);
        assert_eq!(namespace.id_of(&record.key), Some(id));
        assert_eq!(namespace.key_of(id).as_ref(), Some(&record.key));
    }
    expected.item_records = item_records(store);
    audit_composites(namespace.settings(), store);
    assert_eq!(*namespace.header(), expected);
    assert_eq!(namespace.categories().len(), store.categories.len());

    let newest = store.memberships.keys().next_back().copied();
    assert!(newest.unwrap_or(0) < namespace.header().next_sequence);
    let assigned: BTreeSet<i64> = store.memberships.values().map(|m| m.item).collect();
    let all = store.items.keys().copied();
    let inbox: BTreeSet<i64> = all.filter(|id| !assigned.contains(id)).collect();
    assert_eq!(store.inbox, inbox);
}

/// [`audit`] of a machine, and of its log, which must be gapless.
pub(crate) fn audit_machine(machine: &Machine) {
    audit(&machine.namespace, &machine.store);
    let revisions = machine.log.iter().map(|entry| entry.revision);
    assert!(revisions.eq(1..=machine.namespace.header().revision));
}

fn item_records(store: &MapStore) -> SetDigest {
    let mut records = SetDigest::default();
    for item in store.items.values() {
        records.insert(&item.hash());
    }
    for membership in store.memberships.values() {
        let item = &store.items[&membership.item].key;
        let category = &store.categories[&membership.category].key;
        records.insert(&membership_hash(item, category));
    }
    for dismissal in store.dismissals.values() {
        let item = &store.items[&dismissal.item].key;
        let category = &store.categories[&dismissal.category].key;
        records.insert(&dismissal_hash(item, category));
    }
    for part in store.parts.values() {
        let composite = &store.items[&part.composite].key;
        let item = &store.items[&part.item].key;
        records.insert(&part_hash(composite, item, part.weight));
    }
    records
}

/// Checks that the embedding of each composite is the mean of its parts, and that no part is composite.
fn audit_composites(settings: &NamespaceSettings, store: &MapStore) {
    let composites: BTreeSet<i64> = store.parts.values().map(|own| own.composite).collect();
    for composite in &composites {
        let mut mean = PartsMean::new(settings);
        for part in store
            .parts
            .values()
            .rev()
            .filter(|own| own.composite == *composite)
        {
            assert!(!composites.contains(&part.item), "a composite as a part");
            mean.add(part.weight, &store.items[&part.item].embedding);
        }
        let mean = mean.embedding(settings).expect("its parts have a mean");
        assert_eq!(store.items[composite].embedding, mean);
    }
}

fn audit_category(namespace: &Namespace, store: &MapStore, built: &mut CategoryDraft) {
    let key = built.category.key.to_string();
    let mut live = namespace.draft_of(&key).expect("it is stored");
    assert_eq!(live.sum, built.sum, "sum of {key}");
    assert_eq!(live.category.stats, built.category.stats);
    let correction = &built.category.unit_correction;
    let corrections = unit_corrections(store, built.category.id);
    assert_eq!(corrections.whole(), correction);
    if live.category.unit_correction.is_known() {
        assert_eq!(live.category.unit_correction, *correction, "{key}");
        if let Some(actors) = &live.category.actors {
            let known = actors.iter().map(|(actor, own)| (actor, &own.correction));
            assert!(known.eq(corrections.actors()), "actors of {key}");
        }
    }
    assert_eq!(
        live.category.actors, built.category.actors,
        "actors of {key}"
    );
    assert_eq!(live.category.hash, built.category.hash, "hash of {key}");
    assert_eq!(live.record(), built.record());
    let counting = counting(store, built.category.id);
    for membership in store.members_of(built.category.id) {
        let counts = live.category.counts(membership.sequence);
        assert_eq!(counts, counting.contains(&membership.sequence));
    }
    for embeddings in [false, true] {
        let view = namespace.category(&key, embeddings).map(|view| {
            assert_eq!(view.actor_shares, built.centroid().actor_shares());
            CategoryView {
                actor_shares: Vec::new(),
                ..view
            }
        });
        assert_eq!(view, Some(live.view(embeddings)));
        assert_eq!(view, Some(built.view(embeddings)));
    }
    if built.sum.len() == DIMENSION {
        let asked = [0.25, -1.0, 0.5];
        let query = Scorer::Cosine.query(&asked).expect("it has a direction");
        let score = |row| Scorer::Cosine.score(&query, row).total();
        let least = built.category.settings.min_score.unwrap_or(-1.0);
        let expected = built.row().map(score).filter(|score| *score >= least);
        let matches = rank(namespace, &asked).matches;
        let found = matches.iter().find(|m| *m.category == *key);
        assert_eq!(found.map(|m| m.score), expected);
        if let Some(found) = found {
            assert_eq!(found.count, built.category.stats.counting);
        }
    }
}
