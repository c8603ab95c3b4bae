//! Checks of namespaces: creation, deletion, purge, restore.

use ee_core::namespace::{Dismissal, Membership, Part};
use ee_store::{Backend, NamespaceRow, NamespaceState, Restored, RestoredItem};

use super::fixtures::{
    NOW, command, created, entry, item, join, keys, origin, put, record, row, session, write,
};

pub(super) fn namespaces(store: &dyn Backend) {
    let mut session = session(store);
    let ids = ["b", "a", "ab"].map(|name| created(&mut *session, name));
    let view = store.view().expect("view");
    let stored = view.namespace_by_name("a").expect("read").expect("a");
    assert_eq!(
        stored,
        NamespaceRow {
            id: ids[1],
            ..row("a")
        }
    );
    let page = |prefix, after, limit| {
        let view = store.view().expect("view");
        let page = view.namespaces_page(prefix, after, limit).expect("page");
        page.into_iter()
            .map(|row| row.expect("row").name)
            .collect::<Vec<_>>()
    };
    assert_eq!(page("", "", 9), ["a", "ab", "b"]);
    assert_eq!(page("a", "", 1), ["a"]);
    assert_eq!(page("a", "a", 9), ["ab"]);
    write(&mut *session, |session| {
        let mut changed = stored.clone();
        changed.header.revision = 9;
        changed.sums_revision = 8;
        session.update_namespace(&changed).expect("update");
    });
    let view = store.view().expect("view");
    let changed = view.namespace_by_name("a").expect("read").expect("a");
    assert_eq!((changed.header.revision, changed.sums_revision), (9, 8));
    write(&mut *session, |session| {
        session.delete_namespace(&changed).expect("delete");
        assert_eq!(session.namespace_count().expect("count"), 2);
    });
    assert_eq!(page("", "", 9), ["ab", "b"]);
    assert_ne!(created(&mut *session, "a"), ids[1], "an identifier twice");
}

pub(super) fn purge(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let kept = created(&mut *session, "kept");
    write(&mut *session, |session| {
        command(session, |session| {
            for namespace in [namespace, kept] {
                let store = session.store(namespace);
                let category = store.insert_category(&record("c")).expect("insert");
                let item = put(session, namespace, "i");
                join(session, namespace, &item, category, 1);
                session.append(namespace, &entry(1)).expect("append");
            }
        });
    });
    let view = store.view().expect("view");
    let stored = view.namespace_by_name("n").expect("read").expect("n");
    drop(view);
    write(&mut *session, |session| {
        session.delete_namespace(&stored).expect("delete");
    });
    while session.purge().expect("purge") {}
    let view = store.view().expect("view");
    assert_eq!(view.items_page(namespace, "", 9).expect("page"), []);
    assert_eq!(view.category_id(namespace, "c").expect("id"), None);
    assert_eq!(view.items_page(kept, "", 9).expect("page").len(), 1);
    let category = view.category_id(kept, "c").expect("id").expect("c");
    let members = view.members(kept, category, 0, 9).expect("members");
    assert_eq!(members.len(), 1);
}

pub(super) fn restore(store: &dyn Backend) {
    let mut session = session(store);
    let mut restoring = row("n");
    restoring.state = NamespaceState::Restoring;
    restoring.id = write(&mut *session, |session| {
        session.create_namespace(&restoring).expect("create")
    });
    let id = restoring.id;
    let ids = write(&mut *session, |session| {
        session
            .restore_categories(id, &[record("c"), record("d")])
            .expect("categories")
    });
    let membership = |category: usize, sequence| Membership {
        item: 0,
        category: ids[category],
        sequence,
        origin: origin("before"),
    };
    let with = |key, memberships, dismissals| RestoredItem {
        item: item(key),
        memberships,
        dismissals,
    };
    let dismissal = Dismissal {
        item: 0,
        category: ids[1],
        origin: origin("before"),
    };
    write(&mut *session, |session| {
        let items = [
            with("a", vec![membership(0, 9), membership(1, 4)], vec![]),
            with("b", vec![], vec![dismissal.clone()]),
        ];
        let restored = session.restore_items(id, &items).expect("items");
        assert_eq!(restored, Restored::Stored);
    });
    let found = |key| {
        let view = store.view().expect("view");
        view.item_by_key(id, key)
            .expect("read")
            .expect("restored")
            .id
    };
    let part = Part {
        composite: found("b"),
        item: found("a"),
        weight: 2.0,
    };
    write(&mut *session, |session| {
        session.restore_parts(id, &[part]).expect("parts");
    });
    for (again, expected) in [
        (with("a", vec![], vec![]), Restored::ItemTwice("a".into())),
        (
            with("x", vec![membership(0, 9)], vec![]),
            Restored::MembershipTwice,
        ),
    ] {
        session.begin(NOW).expect("begin");
        let restored = session.restore_items(id, &[again]).expect("items");
        assert_eq!(restored, expected);
        session.rollback();
    }
    let view = store.view().expect("view");
    assert_eq!(view.namespace_by_name("n").expect("read"), None);
    write(&mut *session, |session| {
        session.finish_restore(&restoring).expect("finish");
    });
    let view = store.view().expect("view");
    let active = view.namespace_by_name("n").expect("read").expect("n");
    assert_eq!(active.state, NamespaceState::Active);
    assert_eq!(view.namespace_count().expect("count"), 1);
    let page = view.inbox_page(id, "", 9).expect("page");
    assert_eq!(keys(page), ["b"]);
    let found = view.item_by_key(id, "a").expect("read").expect("a");
    let memberships = view.memberships_of(id, found.id).expect("of");
    let sequences: Vec<u64> = memberships.iter().map(|each| each.sequence).collect();
    assert_eq!(sequences, [4, 9]);
    let found = view.item_by_key(id, "b").expect("read").expect("b");
    let item = found.id;
    let dismissals = view.dismissals_of(id, item).expect("of");
    assert_eq!(dismissals, [Dismissal { item, ..dismissal }]);
    assert_eq!(view.parts_of(id, item).expect("of"), [part]);
}
