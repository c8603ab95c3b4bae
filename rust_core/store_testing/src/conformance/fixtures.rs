//! Values and transactions that the checks share.

use std::sync::Arc;

use ee_core::command::record::{Change, Entry};
use ee_core::namespace::{CategoryRecord, Header, Item, Membership, Origin, Profile};
use ee_core::settings::{
    CategorySettings, HistoryKeep, MembershipMode, Metadata, NamespaceSettings, Normalization,
    RankingMode, RankingSettings,
};
use ee_store::{Backend, Commit, NamespaceRow, NamespaceState, WriteSession};

pub(super) const NOW: i64 = 1_000_000_000_000;

pub(super) fn session(store: &dyn Backend) -> Box<dyn WriteSession> {
    store.write_session(Arc::new(|| {})).expect("a session")
}

pub(super) fn row(name: &str) -> NamespaceRow {
    NamespaceRow {
        id: 0,
        name: name.into(),
        state: NamespaceState::Active,
        settings: NamespaceSettings {
            dimension: 2,
            embedding_model: "model".into(),
            normalization: Normalization::Raw,
            membership: MembershipMode::Multiple,
        },
        profile: Profile {
            description: "described".into(),
            labels: Metadata::from([("label".into(), "value".into())]),
            created_ms: 7,
            ranking: RankingSettings {
                mode: RankingMode::Local,
                fairness: Some(0.25),
            },
            history_keep: HistoryKeep {
                revisions: Some(1000),
                seconds: None,
            },
        },
        header: Header {
            revision: 1,
            next_sequence: 1,
            ..Header::default()
        },
        sums_revision: 1,
    }
}

pub(super) fn item(key: &str) -> Item {
    Item {
        id: 0,
        key: key.into(),
        weight: 0.5,
        embedding: vec![1.0, -2.5],
        metadata: Metadata::from([("k".into(), key.into())]),
        created_ms: 3,
    }
}

pub(super) fn record(key: &str) -> CategoryRecord {
    CategoryRecord {
        key: key.into(),
        settings: CategorySettings {
            window: 3,
            ..CategorySettings::default()
        },
        base: Some(vec![0.25, 4.0]),
        metadata: Metadata::new(),
        anchor: 0,
        created_ms: 9,
    }
}

pub(super) fn origin(actor: &str) -> Origin {
    Origin {
        time_ms: NOW,
        actor: actor.into(),
        reason: String::new(),
    }
}

pub(super) fn entry(revision: u64) -> Entry {
    Entry {
        revision,
        origin: origin("writer"),
        request_id: format!("request {revision}"),
        changes: vec![Change::NamespaceCreated],
        effects: Vec::new(),
        images: Vec::new(),
        undone: Vec::new(),
    }
}

/// Runs a transaction, which must commit.
pub(super) fn write<T>(
    session: &mut dyn WriteSession,
    work: impl FnOnce(&mut dyn WriteSession) -> T,
) -> T {
    session.begin(NOW).expect("begin");
    let done = work(session);
    assert_eq!(session.commit(), Commit::Committed);
    session.acknowledge().expect("acknowledge");
    done
}

/// Runs a command, which is kept.
pub(super) fn command<T>(
    session: &mut dyn WriteSession,
    work: impl FnOnce(&mut dyn WriteSession) -> T,
) -> T {
    session.begin_command();
    let done = work(session);
    session.keep_command().expect("keep");
    done
}

pub(super) fn created(session: &mut dyn WriteSession, name: &str) -> i64 {
    write(session, |session| {
        session.create_namespace(&row(name)).expect("create")
    })
}

pub(super) fn join(
    session: &mut dyn WriteSession,
    namespace: i64,
    item: &Item,
    to: i64,
    sequence: u64,
) {
    let store = session.store(namespace);
    let memberships = store.memberships(item.id).expect("memberships");
    let in_inbox = memberships.is_empty();
    let membership = Membership {
        item: item.id,
        category: to,
        sequence,
        origin: origin("who"),
    };
    store
        .insert_membership(item, &membership, in_inbox)
        .expect("join");
}

pub(super) fn put(session: &mut dyn WriteSession, namespace: i64, key: &str) -> Item {
    let id = session
        .store(namespace)
        .insert_item(&item(key), true)
        .expect("insert");
    Item { id, ..item(key) }
}

pub(super) fn keys(items: Vec<Item>) -> Vec<String> {
    items.into_iter().map(|item| item.key).collect()
}
