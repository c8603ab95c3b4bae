//! A namespace whose categories have members, ranked in each of the ways and written to.

use std::hint::black_box;
use std::sync::Arc;

use ee_core::namespace::{
    CategoryDraft, CategoryRecord, Draft, Header, Item, MatchOptions, Namespace, Profile, Ranking,
};
use ee_core::scoring::{MemberRow, MemberRows, Scorer};
use ee_core::settings::{
    CategorySettings, MembershipMode, Metadata, NamespaceSettings, Normalization, RankingMode,
    RankingSettings,
};

const CATEGORIES: i64 = 77;
const MEMBERS: usize = 130;

/// Ranks a query so many times, in a way that has a name.
pub(crate) fn rank(way: &str, dimension: usize, calls: usize) {
    let (mode, fairness) = match way {
        "cosine" => (RankingMode::Cosine, 0.0),
        "fair" => (RankingMode::Cosine, 0.5),
        "gated" | "local" => (RankingMode::Local, 0.5),
        _ => panic!("no such way to rank: {way}"),
    };
    let namespace = namespace(dimension, mode);
    let options = MatchOptions {
        limit: 10,
        ranking: Some(mode),
        fairness: Some(fairness),
        threads: 1,
        ..MatchOptions::default()
    };
    // Of one category, so that the gate is closed; or between two.
    let mut asked = vector(dimension, 3, 1);
    if way != "gated" {
        let other = vector(dimension, 4, 2);
        asked.iter_mut().zip(other).for_each(|(x, y)| *x += y);
    }
    let rank = || -> Ranking {
        let query = Scorer::Cosine.query(black_box(&asked));
        let query = [query.expect("a direction")];
        let found = namespace.rank(&query, &options);
        found.expect("members are in memory").remove(0)
    };
    let margin = rank().margin.expect("two categories");
    assert_eq!(margin > 0.15, way == "gated", "the margin is {margin}");
    for _ in 0..calls {
        drop(black_box(rank()));
    }
}

/// Assigns an item, and takes it back, so many times each, in a namespace that ranks by COSINE or LOCAL.
pub(crate) fn assign(way: &str, dimension: usize, calls: usize) {
    let mode = match way {
        "assign" => RankingMode::Cosine,
        "assign_local" => RankingMode::Local,
        _ => panic!("no such way to assign: {way}"),
    };
    let mut namespace = namespace(dimension, mode);
    let key: Arc<str> = Arc::from("c3");
    let item = item(dimension, 3, 1_000_000);
    let mut write = |change: &dyn Fn(&mut CategoryDraft)| {
        let mut draft = Draft::new(*namespace.header());
        let mut category = namespace.draft_of(&key).expect("it is there");
        change(&mut category);
        draft.categories.insert(Arc::clone(&key), Some(category));
        draft.finalize_hashes(1, || {});
        Draft::compute_directions(std::iter::once(&mut draft), 1, || {});
        namespace.publish(draft);
    };
    for call in 0..calls as u64 {
        let sequence = 1_000_000 + call;
        write(&|category| category.absorb(sequence, &item, "").expect("it fits"));
        write(&|category| category.forget(sequence, &item, "").expect("it fits"));
    }
}

fn item(dimension: usize, category: usize, number: usize) -> Item {
    Item {
        id: number as i64,
        key: format!("i{number}"),
        weight: 1.0,
        embedding: vector(dimension, category, number + 10),
        metadata: Metadata::default(),
        created_ms: 0,
    }
}

/// With the rows of all members in memory where LOCAL needs them.
fn namespace(dimension: usize, mode: RankingMode) -> Namespace {
    let ranking = RankingSettings {
        mode,
        fairness: None,
    };
    let settings = NamespaceSettings {
        dimension: dimension as u32,
        embedding_model: String::new(),
        normalization: Normalization::Raw,
        membership: MembershipMode::Single,
    };
    let mut draft = Draft::new(Header::default());
    let mut members = Vec::new();
    for id in 0..CATEGORIES {
        let record = CategoryRecord {
            key: Arc::from(format!("c{id}")),
            settings: CategorySettings::default(),
            base: Some(vector(dimension, id as usize, 0)),
            metadata: Metadata::default(),
            anchor: 0,
            created_ms: 0,
        };
        let key = Arc::clone(&record.key);
        let mut category = CategoryDraft::create(&settings, ranking, id, record);
        let mut rows = MemberRows::new(dimension);
        for number in 0..MEMBERS {
            let number = id as usize * MEMBERS + number + 1;
            let item = item(dimension, id as usize, number);
            let sequence = number as u64;
            category.absorb(sequence, &item, "").expect("it fits");
            rows.join(&MemberRow::new(sequence, &item.key, 1.0, &item.embedding));
        }
        category.category.stats.members = MEMBERS as u64;
        members.push((id, rows));
        draft.categories.insert(key, Some(category));
    }
    draft.finalize_hashes(1, || {});
    Draft::compute_directions(std::iter::once(&mut draft), 1, || {});
    let profile = Profile {
        ranking,
        ..Profile::default()
    };
    let mut namespace = Namespace::new(settings, profile, Header::default());
    namespace.publish(draft);
    if mode == RankingMode::Local {
        for (id, rows) in members {
            namespace.add_members(id, Arc::new(rows));
        }
    }
    namespace
}

/// A vector of length 1 around the centre of a category; all centres have something in common.
fn vector(dimension: usize, category: usize, own: usize) -> Vec<f32> {
    let component = |i| {
        let centre = 0.8 * noise(category * 70_001 + i + 1_000_000);
        0.6 * noise(i) + centre + 0.7 * noise(own * 90_001 + i + 90_000_000)
    };
    let vector: Vec<f32> = (0..dimension).map(component).collect();
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| x / norm).collect()
}

/// A number from −1 to 1.
fn noise(seed: usize) -> f32 {
    let mixed = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f32 / 8_388_608.0 - 1.0
}
