//! Checks of views, transactions and commands.

use ee_store::{Backend, Enlisted};

use super::fixtures::{NOW, command, created, entry, keys, put, record, row, session, write};

pub(super) fn views(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let before = store.view().expect("view");
    assert!(before.namespace_by_name("n").expect("read").is_some());
    write(&mut *session, |session| {
        command(session, |session| put(session, namespace, "i"));
        // Uncommitted rows are seen inside the transaction only.
        let outside = store.view().expect("view");
        assert_eq!(outside.item_by_key(namespace, "i").expect("read"), None);
        session.flush().expect("flush");
        let inside = session.reads().item_by_key(namespace, "i").expect("read");
        assert!(inside.is_some());
    });
    assert_eq!(before.item_by_key(namespace, "i").expect("read"), None);
    let after = store.view().expect("view");
    assert!(after.item_by_key(namespace, "i").expect("read").is_some());
}

pub(super) fn rollback(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    session.begin(NOW).expect("begin");
    command(&mut *session, |session| put(session, namespace, "i"));
    session.append(namespace, &entry(2)).expect("append");
    session.create_namespace(&row("m")).expect("create");
    session.rollback();
    let view = store.view().expect("view");
    assert_eq!(view.item_by_key(namespace, "i").expect("read"), None);
    assert_eq!(view.namespace_by_name("m").expect("read"), None);
    let mut entries = 0;
    view.entries_after(namespace, 0, &mut |_| {
        entries += 1;
        Ok(())
    })
    .expect("log");
    assert_eq!(entries, 0);
    // The session goes on.
    write(&mut *session, |session| {
        assert_eq!(session.namespace_count().expect("count"), 1);
        command(session, |session| put(session, namespace, "i"));
    });
}

pub(super) fn undo(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    write(&mut *session, |session| {
        command(session, |session| put(session, namespace, "kept"));
        session.begin_command();
        put(session, namespace, "undone");
        session
            .store(namespace)
            .insert_category(&record("undone"))
            .expect("insert");
        session.undo_command().expect("undo");
        command(session, |session| {
            put(session, namespace, "later");
            session
                .store(namespace)
                .insert_category(&record("c"))
                .expect("insert");
        });
    });
    let view = store.view().expect("view");
    let page = view.items_page(namespace, "", 10).expect("page");
    assert_eq!(keys(page), ["kept", "later"]);
    let records = view.category_records(namespace, "", 10).expect("records");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].1, record("c"));
}

pub(super) fn time(store: &dyn Backend) {
    let mut session = session(store);
    created(&mut *session, "n");
    session.begin(NOW - 5).expect("begin");
    assert_eq!(session.time_ms(), NOW);
    session.rollback();
    session.begin(NOW + 5).expect("begin");
    assert_eq!(session.time_ms(), NOW + 5);
    session.rollback();
}

pub(super) fn enlist(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    session.begin(NOW).expect("begin");
    let enlisted = session.enlist(namespace, 1).expect("enlist");
    assert_eq!(enlisted, Enlisted::Current);
    session.rollback();
}
