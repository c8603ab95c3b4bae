//! LOCAL and confidence as an engine runs them: members are read when a query needs them.

use std::sync::Arc;

use ee_core::arithmetic::limits::MAX_NEIGHBOURS;
use ee_core::kernels::Kernel;
use ee_core::namespace::{
    MatchOptions, MissingMembers, MoreMembers, Namespace, Ranking, UnitCorrections,
};
use ee_core::scoring::{MemberRow, MemberRows};
use ee_core::settings::RankingMode;

use crate::audit::counting;
use crate::machine::{Machine, prepared};
use crate::map_store::MapStore;

/// The rows of a category, read from the store, in an order of its own.
fn read(namespace: &Namespace, store: &MapStore, category: i64) -> Arc<MemberRows> {
    let counting = counting(store, category);
    let mut rows = MemberRows::new(namespace.settings().dimension as usize);
    let newest = store.members_of(category).rev();
    let newest = newest.filter(|member| counting.contains(&member.sequence));
    for member in newest.take(MAX_NEIGHBOURS) {
        let item = &store.items[&member.item];
        let (sequence, weight) = (member.sequence, item.weight);
        let row = MemberRow::new(sequence, &item.key, weight, &item.embedding);
        rows.join(&row.of_actor(&member.origin.actor));
    }
    Arc::new(rows)
}

/// The corrections of a category, built from its members.
pub(crate) fn unit_corrections(store: &MapStore, category: i64) -> UnitCorrections {
    let counting = counting(store, category);
    let mut corrections = UnitCorrections::default();
    for member in store.members_of(category) {
        if counting.contains(&member.sequence) {
            let item = &store.items[&member.item];
            corrections.add(item.weight, &item.embedding, Some(&member.origin.actor));
        }
    }
    corrections
}

/// Ranks a query, reading the members that are missing. `keep`: they stay in memory.
pub(crate) fn rank_with(
    machine: &Machine,
    query: &[f32],
    options: &MatchOptions,
    kernel: Kernel,
    keep: bool,
) -> Ranking {
    let (namespace, queries) = (&machine.namespace, [prepared(query)]);
    let mut more = MoreMembers::default();
    loop {
        match namespace.rank_with(kernel, &queries, options, &more, None) {
            Ok(mut rankings) => return rankings.remove(0),
            Err(missing) => {
                assert!(missing != MissingMembers::default());
                for category in missing.unit_corrections {
                    let corrections = unit_corrections(&machine.store, category);
                    namespace.add_unit_corrections(category, &corrections);
                }
                for category in missing.rows {
                    assert!(!more.contains_key(&category), "it was given");
                    let rows = read(namespace, &machine.store, category);
                    if keep {
                        namespace.add_members(category, Arc::clone(&rows));
                    }
                    more.insert(category, rows);
                }
                for category in missing.uncalibrated {
                    let rows = read(namespace, &machine.store, category);
                    namespace.calibrate(category, &rows);
                    if keep {
                        namespace.add_members(category, rows);
                    }
                }
            }
        }
    }
}

/// All that there is to say of a ranking of all categories.
pub(crate) fn options(mode: RankingMode, fairness: f64) -> MatchOptions {
    MatchOptions {
        ranking: Some(mode),
        fairness: Some(fairness),
        explain: true,
        threads: 1,
        ..MatchOptions::default()
    }
}

/// All categories, ranked for a query in one of the ways.
pub(crate) fn rank_as(
    machine: &Machine,
    query: &[f32],
    mode: RankingMode,
    fairness: f64,
) -> Ranking {
    let options = options(mode, fairness);
    rank_with(machine, query, &options, Kernel::best(), true)
}
