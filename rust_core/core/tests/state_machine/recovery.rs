//! Sums of an earlier revision and the log entries since recover the live namespace.

use std::collections::BTreeMap;

use ee_core::command::record::{Entry, ItemImage};
use ee_core::command::{CategoryLoad, RecoveryError, Replay};
use ee_core::command::{Command, Rejection};
use ee_core::namespace::{MemberStats, Namespace, Profile, UnitCorrection};
use ee_core::scoring::ActorSums;
use ee_core::settings::{MembershipMode, RankingMode};
use proptest::prelude::*;

use crate::audit::{audit, audit_machine, counting};
use crate::machine::{DIMENSION, Group, Machine};
use crate::map_store::MapStore;
use crate::members::rank_as;
use crate::strategies::{cases, command, commands, membership, vector};

/// What a store keeps of the sum of a category.
#[derive(Clone, Default)]
struct Written {
    sum: Option<(MemberStats, Vec<i64>)>,
    correction: UnitCorrection,
    actors: Option<ActorSums>,
}

type Sums = BTreeMap<i64, Written>;

/// A machine with a history of its sums.
struct Recorded {
    machine: Machine,
    /// By revision, from 0 on.
    sums: Vec<Sums>,
    /// By category: the last revision at which its sum was rebuilt.
    rebuilt: BTreeMap<i64, u64>,
}

/// Damage to the stored data.
#[derive(Default)]
struct Damage {
    drop_entry: Option<u64>,
    change_sum: Option<(prop::sample::Index, usize)>,
    drop_category: bool,
}

impl Recorded {
    fn new(machine: Machine) -> Self {
        assert_eq!(machine.namespace.header().revision, 0);
        Self {
            machine,
            sums: vec![Sums::new()],
            rebuilt: BTreeMap::new(),
        }
    }

    fn apply(&mut self, command: &Command) -> Result<(), Rejection> {
        let mut group = Group::new(&self.machine);
        let outcome = group.apply(&mut self.machine, command);
        let revision = group.draft.header.revision;
        for draft in group.draft.categories.values().flatten() {
            if draft.rebuilt {
                self.rebuilt.insert(draft.category.id, revision);
            }
        }
        group.publish(&mut self.machine);
        if revision as usize == self.sums.len() {
            let namespace = &self.machine.namespace;
            let drafts = namespace.categories().iter().map(|category| {
                let draft = namespace.draft_of(&category.key).expect("it is listed");
                let written = Written {
                    correction: draft.stored_unit_correction(),
                    actors: draft.category.actors.as_deref().cloned(),
                    sum: Some((draft.category.stats, draft.sum)),
                };
                (draft.category.id, written)
            });
            self.sums.push(drafts.collect());
        }
        outcome.map(|_| ())
    }

    /// Recovers it from the sums of `checkpoint`; those in `newer` are of later revisions.
    fn recover(
        &self,
        checkpoint: u64,
        newer: &[Option<prop::sample::Index>],
    ) -> Result<Namespace, RecoveryError> {
        self.recover_damaged(checkpoint, newer, &Damage::default())
    }

    fn recover_damaged(
        &self,
        checkpoint: u64,
        newer: &[Option<prop::sample::Index>],
        damage: &Damage,
    ) -> Result<Namespace, RecoveryError> {
        let namespace = &self.machine.namespace;
        let header = *namespace.header();
        let mut loads = self.loads(checkpoint, newer);
        if let Some((index, component)) = damage.change_sum {
            let load = index.get_mut(&mut loads);
            let (_, sum) = load
                .sum
                .get_or_insert_with(|| (MemberStats::default(), vec![0; DIMENSION]));
            sum[component] ^= 1;
        }
        if damage.drop_category {
            loads.pop();
        }
        let settings = namespace.settings().clone();
        let mut replay = Replay::new(settings, Profile::clone(namespace.profile()), header);
        for load in loads {
            replay.category(load);
        }
        let since = self.machine.log.iter().rev();
        for entry in since.take_while(|entry| entry.revision > checkpoint) {
            if damage.drop_entry != Some(entry.revision) {
                self.replay(&mut replay, entry)?;
            }
        }
        replay.finish()
    }

    fn replay(&self, replay: &mut Replay, entry: &Entry) -> Result<(), RecoveryError> {
        let items = &self.machine.store.items;
        replay.entry(entry, |id| {
            let item = items.get(&id).expect("an item that is gone has an image");
            Ok(ItemImage {
                item: id,
                weight: item.weight,
                embedding: item.embedding.clone(),
            })
        })
    }

    fn loads(&self, checkpoint: u64, newer: &[Option<prop::sample::Index>]) -> Vec<CategoryLoad> {
        let store = &self.machine.store;
        let last = self.machine.namespace.header().revision;
        let loads = store.categories.iter().zip(newer.iter().cycle());
        loads
            .map(|((&id, record), newer)| {
                let oldest = self.rebuilt.get(&id).copied().unwrap_or(0).max(checkpoint);
                let choices = usize::try_from(last - oldest + 1).expect("a short log");
                let revision = oldest + newer.map_or(0, |newer| newer.index(choices)) as u64;
                let written = self.sums[revision as usize].get(&id).cloned();
                let written = written.unwrap_or_default();
                CategoryLoad {
                    id,
                    record: record.clone(),
                    sum: written.sum,
                    unit_correction: written.correction,
                    actors: written.actors,
                    revision,
                    counting_from: counting_from(store, id),
                }
            })
            .collect()
    }
}

/// Applies valid commands, and recovers the namespace from the sums of each revision.
pub(crate) fn survives_any_restart(membership: MembershipMode, commands: &[Command]) -> Machine {
    let mut recorded = Recorded::new(Machine::new(membership));
    for command in commands {
        let outcome = recorded.apply(command);
        assert_eq!(outcome, Ok(()), "{command:?}");
        audit_machine(&recorded.machine);
    }
    for checkpoint in 0..=recorded.machine.namespace.header().revision {
        match recorded.recover(checkpoint, &[None]) {
            Ok(namespace) => audit(&namespace, &recorded.machine.store),
            Err(error) => panic!("from revision {checkpoint} on: {error}"),
        }
    }
    recorded.machine
}

/// As computed from the stored members, whatever moves the window has made.
fn counting_from(store: &MapStore, category: i64) -> u64 {
    let oldest = counting(store, category).first().copied();
    oldest.unwrap_or(store.categories[&category].anchor + 1)
}

fn newer() -> impl Strategy<Value = Vec<Option<prop::sample::Index>>> {
    let newer = prop::option::weighted(0.4, any::<prop::sample::Index>());
    prop::collection::vec(newer, 4)
}

fn recorded(membership: MembershipMode, commands: &[Command]) -> Recorded {
    let mut recorded = Recorded::new(Machine::new(membership));
    for command in commands {
        let _ = recorded.apply(command);
    }
    recorded
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn earlier_sums_and_the_log_since_give_the_live_namespace(
        membership in membership(),
        before in commands(1..40),
        checkpoint in any::<prop::sample::Index>(),
        newer in newer(),
        after in prop::collection::vec(command(), 0..20),
        query in vector(),
    ) {
        let mut live = recorded(membership, &before).machine;
        let recorded = recorded(membership, &before);
        let checkpoint = checkpoint.index(recorded.sums.len()) as u64;
        let recovered = recorded.recover(checkpoint, &newer);
        let namespace = recovered.expect("what is stored agrees with itself");
        audit(&namespace, &recorded.machine.store);
        prop_assert_eq!(namespace.digest(), live.digest());

        // It continues as the live machine does.
        let Recorded { machine, .. } = recorded;
        let mut machine = Machine { namespace, ..machine };
        for command in &after {
            prop_assert_eq!(machine.apply(command), live.apply(command));
        }
        audit(&machine.namespace, &machine.store);
        prop_assert_eq!(machine.namespace.header(), live.namespace.header());
        let views = |machine: &Machine| machine.namespace.page(None, usize::MAX, true);
        prop_assert_eq!(views(&machine), views(&live));
        prop_assert_eq!(machine.rank(&query), live.rank(&query));
        for mode in [RankingMode::Cosine, RankingMode::Local] {
            prop_assert_eq!(rank_as(&machine, &query, mode, 1.0), rank_as(&live, &query, mode, 1.0));
        }
        prop_assert_eq!(machine.log, live.log);
    }

    #[test]
    fn damage_is_found(
        membership in membership(),
        commands in commands(10..25),
        checkpoint in any::<prop::sample::Index>(),
        newer in newer(),
        dropped in any::<prop::sample::Index>(),
        (category, component) in (any::<prop::sample::Index>(), 0..DIMENSION),
    ) {
        let recorded = recorded(membership, &commands);
        let checkpoint = checkpoint.index(recorded.sums.len()) as u64;
        let last = recorded.machine.namespace.header().revision;
        let replayed = last - checkpoint;
        if replayed > 0 {
            let dropped = checkpoint + 1 + dropped.index(replayed as usize) as u64;
            let damage = Damage { drop_entry: Some(dropped), ..Damage::default() };
            match recorded.recover_damaged(checkpoint, &newer, &damage) {
                // Without the oldest entry there is no gap, but its effects are missing.
                Ok(namespace) => {
                    prop_assert_eq!(dropped, checkpoint + 1);
                    audit(&namespace, &recorded.machine.store);
                }
                Err(RecoveryError::Digest) => {
                    prop_assert_eq!(dropped, checkpoint + 1);
                }
                Err(error) => prop_assert_eq!(
                    error,
                    RecoveryError::Gap { expected: dropped, actual: dropped - 1 }
                ),
            }
        }
        let categories = recorded.machine.namespace.header().categories;
        if categories > 0 {
            let damage = Damage { change_sum: Some((category, component)), ..Damage::default() };
            let error = recorded.recover_damaged(checkpoint, &newer, &damage).err();
            prop_assert_eq!(error, Some(RecoveryError::Digest));
            let damage = Damage { drop_category: true, ..Damage::default() };
            let error = recorded.recover_damaged(checkpoint, &newer, &damage).err();
            let (expected, actual) = (categories, categories - 1);
            prop_assert_eq!(error, Some(RecoveryError::Categories { expected, actual }));
        }
    }
}
