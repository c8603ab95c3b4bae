//! A namespace, its store and its log, run as an engine would run them.

use ee_core::command::record::Entry;
use ee_core::command::{Applied, CommandContext, WriteError, execute};
use ee_core::command::{
    Assignment, CategoryPut, Command, ItemPut, Outcome, Rejection, Unassignment,
};
use ee_core::namespace::Origin;
use ee_core::namespace::{Draft, EntryDrift, Header, MatchOptions, Namespace, Profile, Ranking};
use ee_core::scoring::{Query, Scorer};
use ee_core::settings::{MembershipMode, NamespaceSettings, Normalization, RankingMode};

use crate::map_store::MapStore;

/// Components of the vectors in most tests.
pub(crate) const DIMENSION: usize = 3;

/// A namespace, with the store and the log that an engine keeps.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) namespace: Namespace,
    pub(crate) store: MapStore,
    pub(crate) log: Vec<Entry>,
    /// The actor of all writes; `None`: one of three, by revision.
    pub(crate) actor: Option<&'static str>,
}

/// The settings of a namespace for tests.
pub(crate) fn settings(membership: MembershipMode, dimension: usize) -> NamespaceSettings {
    NamespaceSettings {
        dimension: u32::try_from(dimension).expect("a small dimension"),
        embedding_model: "test".into(),
        normalization: Normalization::Raw,
        membership,
    }
}

/// The origin of the write that makes `revision`: its time is different for each, so that a mix-up is
/// detected, and its actor is one of three, so that actors have several members.
pub(crate) fn origin(revision: u64) -> Origin {
    Origin {
        time_ms: 1_000 + i64::try_from(revision).expect("a small revision"),
        actor: format!("actor {}", revision % 3),
        reason: String::new(),
    }
}

impl Machine {
    /// An empty namespace.
    pub(crate) fn new(membership: MembershipMode) -> Self {
        Self::of_dimension(membership, DIMENSION)
    }

    /// An empty namespace of another dimension.
    pub(crate) fn of_dimension(membership: MembershipMode, dimension: usize) -> Self {
        let header = Header {
            next_sequence: 1,
            ..Header::default()
        };
        Self {
            namespace: Namespace::new(settings(membership, dimension), Profile::default(), header),
            store: MapStore::default(),
            log: Vec::new(),
            actor: None,
        }
    }

    /// An empty namespace, all of whose writes have one actor: so the state does not depend on the number
    /// of writes.
    pub(crate) fn of_one_actor(membership: MembershipMode) -> Self {
        Self {
            actor: Some("one"),
            ..Self::new(membership)
        }
    }

    /// The origin of the write that makes `revision`.
    fn origin(&self, revision: u64) -> Origin {
        let origin = origin(revision);
        match self.actor {
            Some(actor) => Origin {
                actor: actor.to_owned(),
                ..origin
            },
            None => origin,
        }
    }

    /// The actor of the next write.
    pub(crate) fn next_actor(&self) -> String {
        self.origin(self.namespace.header().revision + 1).actor
    }

    /// Applies a command and publishes it; a rejected command changes nothing.
    pub(crate) fn apply(&mut self, command: &Command) -> Result<Outcome, Rejection> {
        let mut group = Group::new(self);
        let outcome = group.apply(self, command);
        group.publish(self);
        outcome
    }

    /// Applies a command that is valid.
    pub(crate) fn run(&mut self, command: &Command) -> Outcome {
        match self.apply(command) {
            Ok(outcome) => outcome,
            Err(rejection) => panic!("{command:?}: {rejection}"),
        }
    }

    /// Applies commands; some may be rejected.
    pub(crate) fn apply_all(&mut self, commands: &[Command]) {
        for command in commands {
            let _ = self.apply(command);
        }
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        self.namespace.digest()
    }

    /// The exact sum of a category that exists.
    pub(crate) fn sum(&self, category: &str) -> Vec<i64> {
        let draft = self.namespace.draft_of(category);
        draft.expect("the category exists").sum
    }

    /// The effective embedding of a category that exists.
    pub(crate) fn effective(&self, category: &str) -> Option<Vec<f32>> {
        let view = self.namespace.category(category, true);
        view.expect("the category exists").effective
    }

    /// All categories, ranked for a query.
    pub(crate) fn rank(&self, query: &[f32]) -> Ranking {
        rank(&self.namespace, query)
    }
}

/// All categories of a namespace, ranked for a query.
pub(crate) fn rank(namespace: &Namespace, query: &[f32]) -> Ranking {
    let options = MatchOptions {
        ranking: Some(RankingMode::Cosine),
        fairness: Some(0.0),
        threads: 1,
        ..MatchOptions::default()
    };
    let rankings = namespace.rank(&[prepared(query)], &options);
    rankings.expect("COSINE needs no members").remove(0)
}

/// A query that has a direction.
pub(crate) fn prepared(query: &[f32]) -> Query {
    let query = Scorer::Cosine.query(query);
    query.expect("the query has a direction")
}

/// Commands that will be published together.
pub(crate) struct Group {
    pub(crate) draft: Draft,
    /// The result of each command.
    pub(crate) outcomes: Vec<Result<Outcome, Rejection>>,
}

impl Group {
    pub(crate) fn new(machine: &Machine) -> Self {
        Self {
            draft: Draft::new(*machine.namespace.header()),
            outcomes: Vec::new(),
        }
    }

    /// Applies a command to the group; readers of the machine do not see it yet.
    pub(crate) fn apply(
        &mut self,
        machine: &mut Machine,
        command: &Command,
    ) -> Result<Outcome, Rejection> {
        self.apply_unfinished(machine, command);
        self.finish(1);
        self.outcomes.last().expect("one was applied").clone()
    }

    /// Applies a command to the group; what can wait is left to the end of the group.
    pub(crate) fn apply_unfinished(&mut self, machine: &mut Machine, command: &Command) {
        if let Command::UpdateProfile { .. } = command {
            self.finish(1);
        }
        let outcome = self.execute(machine, command);
        self.outcomes.push(outcome);
    }

    /// Computes what was left to the end of the group, on `threads` threads.
    pub(crate) fn finish(&mut self, threads: usize) {
        self.draft.finalize_hashes(threads, || {});
        Draft::compute_directions([&mut self.draft].into_iter(), threads, || {});
        for EntryDrift { at, drift } in self.draft.take_drifts() {
            let outcome = self.outcomes[at.command].as_mut();
            let outcome = outcome.expect("a rejected command reports no drift");
            outcome.set_drift(at.entry, drift);
        }
    }

    fn execute(&mut self, machine: &mut Machine, command: &Command) -> Result<Outcome, Rejection> {
        let before = machine.store.clone();
        let origin = machine.origin(self.draft.header.revision + 1);
        let applied = execute(
            &machine.namespace,
            &self.draft,
            &mut machine.store,
            command,
            CommandContext {
                origin: &origin,
                request_id: "request",
                number: self.outcomes.len(),
                bounded: true,
                prepared: None,
            },
        );
        match applied {
            Ok(Applied {
                outcome, change, ..
            }) => {
                match change {
                    Some((draft, entry)) => {
                        assert_eq!(entry.revision, self.draft.header.revision + 1);
                        assert_eq!(entry.revision, draft.header.revision);
                        assert_eq!(
                            (&entry.origin, entry.request_id.as_str()),
                            (&origin, "request")
                        );
                        assert!(!entry.changes.is_empty());
                        self.draft.merge(draft);
                        machine.log.push(entry);
                    }
                    None => assert_eq!(machine.store, before, "no entry, so nothing is written"),
                }
                Ok(outcome)
            }
            Err(WriteError::Rejected(refusal)) => {
                machine.store = before;
                Err(refusal)
            }
            Err(WriteError::Store(never)) => match never {},
            Err(WriteError::Unprepared) => unreachable!("it builds sums itself"),
        }
    }

    pub(crate) fn publish(self, machine: &mut Machine) {
        machine.namespace.publish(self.draft);
    }
}

/// A put of a category with a base; everything else unchanged.
pub(crate) fn category(key: &str, base: Option<&[f32]>) -> CategoryPut {
    CategoryPut {
        key: key.into(),
        base: Some(base.map(<[f32]>::to_vec)),
        ..CategoryPut::default()
    }
}

/// A put of an item.
pub(crate) fn item(key: &str, embedding: &[f32], weight: f32) -> ItemPut {
    ItemPut {
        key: key.into(),
        embedding: Some(embedding.to_vec()),
        weight: Some(weight),
        parts: None,
        metadata: None,
        expected_category: None,
    }
}

/// A stored item, unchanged.
pub(crate) fn known(key: &str) -> ItemPut {
    ItemPut {
        key: key.into(),
        ..ItemPut::default()
    }
}

/// An assignment of one item.
pub(crate) fn assign(item: ItemPut, category: &str) -> Command {
    Command::Assign(vec![to(item, category)])
}

/// An entry of an assignment.
pub(crate) fn to(item: ItemPut, category: &str) -> Assignment {
    Assignment {
        item,
        category: category.into(),
    }
}

/// Removes one item from a category, or from all.
pub(crate) fn unassign(item: &str, category: Option<&str>) -> Command {
    Command::Unassign(vec![Unassignment {
        item: item.into(),
        category: category.map(Into::into),
        delete_item: false,
        expected_category: None,
    }])
}

/// Removes one item from all categories and deletes it.
pub(crate) fn forget(item: &str) -> Command {
    Command::Unassign(vec![Unassignment {
        item: item.into(),
        category: None,
        delete_item: true,
        expected_category: None,
    }])
}
