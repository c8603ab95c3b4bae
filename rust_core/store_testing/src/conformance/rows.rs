//! Checks of items, memberships, the inbox and sums.

use std::sync::Arc;

use ee_core::arithmetic::fixed::WeightSum;
use ee_core::namespace::{CategoryDraft, Dismissal, Item, MemberStats, Part, UnitCorrection};
use ee_core::scoring::{ActorSum, ActorSums};
use ee_core::settings::RankingSettings;
use ee_store::Backend;

use super::fixtures::{command, created, join, keys, origin, put, record, row, session, write};

pub(super) fn rows(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let (first, category) = write(&mut *session, |session| {
        command(session, |session| {
            for key in ["c", "a", "b"] {
                put(session, namespace, key);
            }
            let store = session.store(namespace);
            let first = store.item("a").expect("item").expect("stored");
            let changed = Item {
                weight: 2.0,
                embedding: vec![8.0, 8.5],
                ..first
            };
            store.update_item(&changed).expect("update");
            let gone = store.item("c").expect("item").expect("stored");
            store.delete_item(&gone).expect("delete");
            let category = store.insert_category(&record("c")).expect("insert");
            let mut updated = record("c");
            updated.anchor = 5;
            store.update_category(category, &updated).expect("update");
            (changed, category)
        })
    });
    let view = store.view().expect("view");
    assert_eq!(
        view.item_by_key(namespace, "a").expect("read"),
        Some(first.clone())
    );
    assert_eq!(view.item_by_id(namespace, first.id).expect("read"), first);
    assert_eq!(view.item_by_key(namespace, "c").expect("read"), None);
    assert!(view.item_by_id(namespace, i64::MAX).is_err());
    let page = view.items_page(namespace, "", 1).expect("page");
    assert_eq!(keys(page), ["a"]);
    let page = view.items_page(namespace, "a", 9).expect("page");
    assert_eq!(keys(page), ["b"]);
    assert_eq!(
        view.category_id(namespace, "c").expect("id"),
        Some(category)
    );
    assert_eq!(view.category_key(namespace, category).expect("key"), "c");
    let records = view.category_records(namespace, "", 9).expect("records");
    assert_eq!(records[0].1.anchor, 5);
}

pub(super) fn renames(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let (first, second) = write(&mut *session, |session| {
        command(session, |session| {
            let store = session.store(namespace);
            let first = store.insert_category(&record("a")).expect("insert");
            let second = store.insert_category(&record("b")).expect("insert");
            let item = put(session, namespace, "i");
            join(session, namespace, &item, first, 1);
            (first, second)
        })
    });
    write(&mut *session, |session| {
        // In one transaction, the two swap their keys.
        for (id, key) in [(first, "c"), (second, "a"), (first, "b")] {
            command(session, |session| {
                let store = session.store(namespace);
                store.rename_category(id, &record(key)).expect("rename");
            });
        }
    });
    let view = store.view().expect("view");
    let id = |key| view.category_id(namespace, key).expect("id");
    assert_eq!(
        [id("a"), id("b"), id("c")],
        [Some(second), Some(first), None]
    );
    assert_eq!(view.category_key(namespace, first).expect("key"), "b");
    let records = view.category_records(namespace, "", 9).expect("records");
    let found: Vec<_> = records.iter().map(|(id, own)| (*id, &*own.key)).collect();
    assert_eq!(found, [(second, "a"), (first, "b")]);
    let members = view.members(namespace, first, 0, 9).expect("members");
    assert_eq!(members.len(), 1);
}

pub(super) fn dismissals(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let own = |item, category| Dismissal {
        item,
        category,
        origin: origin("who"),
    };
    let (items, categories) = write(&mut *session, |session| {
        command(session, |session| {
            let items = ["a", "b", "c"].map(|key| put(session, namespace, key).id);
            let store = session.store(namespace);
            let categories =
                ["d", "e"].map(|key| store.insert_category(&record(key)).expect("insert"));
            for (item, category) in [(2, 0), (0, 1), (0, 0), (1, 0)] {
                let dismissal = own(items[item], categories[category]);
                store.insert_dismissal(&dismissal).expect("insert");
            }
            store
                .delete_dismissal(&own(items[1], categories[0]))
                .expect("delete");
            (items, categories)
        })
    });
    write(&mut *session, |session| {
        command(session, |session| {
            let store = session.store(namespace);
            let found = store.dismissals(items[0]).expect("read");
            assert_eq!(found, categories.map(|category| own(items[0], category)));
            let first = store.dismissals_of_category(categories[0], 0, 1);
            assert_eq!(first.expect("read"), [own(items[0], categories[0])]);
        });
    });
    let view = store.view().expect("view");
    let found = view.dismissals_of(namespace, items[1]).expect("read");
    assert_eq!(found, []);
    let rest = view.dismissals_of_category(namespace, categories[0], items[0], 9);
    assert_eq!(rest.expect("read"), [own(items[2], categories[0])]);
}

pub(super) fn parts(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let own = |composite, item| Part {
        composite,
        item,
        weight: 0.3,
    };
    let items = write(&mut *session, |session| {
        command(session, |session| {
            let items = ["a", "b", "c", "d"].map(|key| put(session, namespace, key).id);
            let store = session.store(namespace);
            for (composite, item) in [(3, 1), (0, 2), (0, 1), (3, 2)] {
                let part = own(items[composite], items[item]);
                store.insert_part(&part).expect("insert");
            }
            store.delete_part(&own(items[3], items[2])).expect("delete");
            items
        })
    });
    write(&mut *session, |session| {
        command(session, |session| {
            let store = session.store(namespace);
            let found = store.parts(items[0]).expect("read");
            assert_eq!(found, [own(items[0], items[1]), own(items[0], items[2])]);
            let found = store.parts_with(items[1]).expect("read");
            assert_eq!(found, [own(items[0], items[1]), own(items[3], items[1])]);
            let counts = items.map(|item| store.composite_count(item).expect("count"));
            assert_eq!(counts, [0, 2, 1, 0]);
            let counts = items.map(|item| store.part_count(item).expect("count"));
            assert_eq!(counts, [2, 0, 0, 1]);
        });
    });
    let view = store.view().expect("view");
    let found = view.parts_of(namespace, items[3]).expect("read");
    assert_eq!(found, [own(items[3], items[1])]);
    let found = view.parts_with(namespace, items[2]).expect("read");
    assert_eq!(found, [own(items[0], items[2])]);
    assert!(view.is_part(namespace, &found[0]).expect("read"));
    let gone = own(items[3], items[2]);
    assert!(!view.is_part(namespace, &gone).expect("read"));
    assert_eq!(view.parts_of(namespace, items[1]).expect("read"), []);
    assert_eq!(view.item_key(namespace, items[2]).expect("read"), "c");
}

pub(super) fn members(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let (category, other) = write(&mut *session, |session| {
        command(session, |session| {
            let store = session.store(namespace);
            let category = store.insert_category(&record("c")).expect("insert");
            let other = store.insert_category(&record("d")).expect("insert");
            for (place, key) in ["a", "b", "c", "d"].into_iter().enumerate() {
                let item = put(session, namespace, key);
                let sequence = 2 * place as u64 + 1;
                join(session, namespace, &item, category, sequence);
                if key == "b" {
                    join(session, namespace, &item, other, sequence + 1);
                }
            }
            (category, other)
        })
    });
    write(&mut *session, |session| {
        command(session, |session| {
            let store = session.store(namespace);
            let item = store.item("c").expect("item").expect("stored");
            let memberships = store.memberships(item.id).expect("memberships");
            store
                .delete_membership(&item, &memberships[0], true)
                .expect("leave");
            let oldest = store.oldest_member(category, 2).expect("oldest");
            assert_eq!(oldest.map(|(sequence, _)| sequence), Some(3));
        });
    });
    let view = store.view().expect("view");
    let page = |before, limit| {
        let page = view.members_page(namespace, category, before, limit);
        keys(page.expect("page"))
    };
    assert_eq!(page(None, 9), ["d", "b", "a"]);
    assert_eq!(page(Some(7), 1), ["b"]);
    let found = view.members(namespace, category, 2, 9).expect("members");
    let sequences: Vec<u64> = found.iter().map(|each| each.sequence).collect();
    assert_eq!(sequences, [3, 7]);
    assert!(view.is_member(namespace, &found[0]).expect("member"));
    let nth = |after, before, nth| {
        let found = view.nth_newest_member(namespace, category, after, before, nth);
        found.expect("nth").map(|(sequence, _)| sequence)
    };
    assert_eq!(nth(0, u64::MAX, 0), Some(7));
    assert_eq!(nth(0, 7, 1), Some(1));
    assert_eq!(nth(1, 7, 1), None);
    let both = view.item_by_key(namespace, "b").expect("read").expect("b");
    let memberships = view.memberships_of(namespace, both.id).expect("of");
    let categories: Vec<i64> = memberships.iter().map(|each| each.category).collect();
    assert_eq!(categories, [category, other]);
    assert_eq!(memberships[0].origin, origin("who"));
}

pub(super) fn inbox(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    write(&mut *session, |session| {
        command(session, |session| {
            let store = session.store(namespace);
            let category = store.insert_category(&record("c")).expect("insert");
            for (place, key) in ["a", "b", "c"].into_iter().enumerate() {
                let item = put(session, namespace, key);
                if key != "b" {
                    join(session, namespace, &item, category, place as u64 + 1);
                }
                if key == "c" {
                    let store = session.store(namespace);
                    let memberships = store.memberships(item.id).expect("memberships");
                    store
                        .delete_membership(&item, &memberships[0], true)
                        .expect("leave");
                }
            }
        });
    });
    let view = store.view().expect("view");
    let page = view.inbox_page(namespace, "", 9).expect("page");
    assert_eq!(keys(page), ["b", "c"]);
    assert_eq!(view.inbox_count(namespace).expect("count"), 2);
    for (key, expected) in [("a", false), ("b", true), ("c", true)] {
        let item = view.item_by_key(namespace, key).expect("read").expect(key);
        let found = view.in_inbox(namespace, key, item.id).expect("inbox");
        assert_eq!(found, expected, "{key}");
    }
}

pub(super) fn sums(store: &dyn Backend) {
    let mut session = session(store);
    let namespace = created(&mut *session, "n");
    let stats = MemberStats {
        members: 3,
        counting: 2,
        ..MemberStats::default()
    };
    let correction = UnitCorrection::Known(Arc::new(vec![-7, i64::MAX]));
    let own = ActorSum::new(
        2,
        WeightSum::default(),
        vec![9, i64::MIN],
        correction.clone(),
    );
    let actors: ActorSums = [(Arc::from("ada"), own)].into_iter().collect();
    write(&mut *session, |session| {
        let category = command(session, |session| {
            let store = session.store(namespace);
            store.insert_category(&record("d")).expect("insert");
            store.insert_category(&record("c")).expect("insert")
        });
        // The store keeps corrections where the namespace asks for them.
        let (settings, fair) = (
            &row("n").settings,
            RankingSettings {
                fairness: Some(0.5),
                ..RankingSettings::default()
            },
        );
        let mut draft = CategoryDraft::create(settings, fair, category, record("c"));
        draft.category.stats = stats;
        draft.category.unit_correction = correction.clone();
        draft.category.actors = Some(Arc::new(actors.clone()));
        draft.sum = vec![i64::MIN, 5];
        session.save_sum(namespace, 6, &draft).expect("save");
    });
    let view = store.view().expect("view");
    let mut loads = Vec::new();
    view.stored_categories(namespace, &mut |load| loads.push(load))
        .expect("load");
    let [first, second] = &loads[..] else {
        panic!("{loads:?}");
    };
    assert_eq!((&*first.record.key, first.revision), ("c", 6));
    assert_eq!(first.sum, Some((stats, vec![i64::MIN, 5])));
    assert_eq!(first.unit_correction, correction);
    assert_eq!(first.actors, Some(actors));
    assert_eq!(second.actors, None);
    assert_eq!(second.unit_correction, UnitCorrection::Zero);
    assert_eq!((&*second.record.key, &second.sum), ("d", &None));
}
