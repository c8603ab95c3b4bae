use ee_core::arithmetic::fixed::WeightSum;
use ee_core::command::Outcome;
use ee_core::command::record::{Change, Effect, Entry};
use ee_core::scoring::ActorSum;
use ee_core::settings::{CategorySettings, RankingMode};

use super::*;
use crate::codec::{Answer, decode, encode, encode_command_answer};

const LOCAL: RankingSettings = RankingSettings {
    mode: RankingMode::Local,
    fairness: Some(0.25),
};

fn profile(ranking: RankingSettings) -> Profile {
    Profile {
        description: "d".into(),
        ranking,
        ..Profile::default()
    }
}

#[test]
fn a_ranking_that_is_not_the_default_is_an_extension_of_each_record_that_has_one() {
    let plain = encode(&profile(RankingSettings::default()));
    let local = encode(&profile(LOCAL));
    assert_eq!(&local[..plain.len()], plain, "the body is the same");
    assert_eq!(
        decode::<Profile>(&plain, "p").unwrap().ranking,
        RankingSettings::default()
    );
    assert_eq!(decode::<Profile>(&local, "p").unwrap(), profile(LOCAL));

    let changed = |ranking| Change::ProfileUpdated {
        description: "before".into(),
        labels: Metadata::new(),
        ranking,
        history_keep: HistoryKeep::ALL,
    };
    let entry = Entry {
        revision: 3,
        origin: Default::default(),
        request_id: String::new(),
        changes: vec![
            changed(RankingSettings::default()),
            changed(LOCAL),
            Change::ItemDeleted {
                key: "i".into(),
                id: 7,
                metadata: Metadata::new(),
                created_ms: Some(-5),
            },
        ],
        effects: Vec::new(),
        images: Vec::new(),
        undone: vec![2, 2, 1],
    };
    assert_eq!(decode::<Entry>(&encode(&entry), "e").unwrap(), entry);

    let outcome = Outcome::UpdateProfile {
        profile: profile(LOCAL),
        header: Box::default(),
    };
    let answer = Answer::Command(outcome.clone(), 7);
    assert_eq!(encode(&answer), encode_command_answer(&outcome, 7));
    assert_eq!(decode::<Answer>(&encode(&answer), "a").unwrap(), answer);
}

#[test]
fn a_retention_is_an_extension_of_each_record_that_has_one() {
    let keep = HistoryKeep {
        revisions: Some(1000),
        seconds: Some(86_400),
    };
    let kept = Profile {
        history_keep: keep,
        ..profile(LOCAL)
    };
    let plain = encode(&profile(LOCAL));
    assert_eq!(
        &encode(&kept)[..plain.len()],
        plain,
        "what precedes is the same"
    );
    assert_eq!(decode::<Profile>(&encode(&kept), "p").unwrap(), kept);
    let answer = Answer::Command(
        Outcome::UpdateProfile {
            profile: kept.clone(),
            header: Box::default(),
        },
        7,
    );
    assert_eq!(decode::<Answer>(&encode(&answer), "a").unwrap(), answer);
    let entry = Entry {
        revision: 3,
        origin: Default::default(),
        request_id: String::new(),
        changes: vec![Change::ProfileUpdated {
            description: String::new(),
            labels: Metadata::new(),
            ranking: LOCAL,
            history_keep: keep,
        }],
        effects: Vec::new(),
        undone: Vec::new(),
        images: Vec::new(),
    };
    assert_eq!(decode::<Entry>(&encode(&entry), "e").unwrap(), entry);
    let wrong = Profile {
        history_keep: HistoryKeep {
            revisions: Some(0),
            ..keep
        },
        ..kept
    };
    assert!(decode::<Profile>(&encode(&wrong), "p").is_err());
}

#[test]
fn a_correction_is_an_extension_of_the_statistics() {
    let plain = StoredStats::default();
    let known = UnitCorrection::Known(Arc::new(vec![1, -2, i64::MIN]));
    for unit_correction in [known, UnitCorrection::Unknown] {
        let corrected = StoredStats {
            unit_correction,
            ..plain.clone()
        };
        let bytes = encode(&corrected);
        assert_eq!(&bytes[..encode(&plain).len()], encode(&plain));
        assert_eq!(decode::<StoredStats>(&bytes, "s").unwrap(), corrected);
    }
    assert_eq!(decode::<StoredStats>(&encode(&plain), "s").unwrap(), plain);
}

#[test]
fn the_sums_of_actors_are_an_extension_of_the_statistics() {
    let plain = StoredStats::default();
    let sum = |sum: Vec<i64>, correction| {
        ActorSum::new(2, WeightSum::default().plus(1.5), sum, correction)
    };
    let known = UnitCorrection::Known(Arc::new(vec![-3, i64::MAX]));
    let actors: [(Arc<str>, _); 3] = [
        ("".into(), sum(vec![1, i64::MIN], UnitCorrection::Zero)),
        ("ada".into(), sum(vec![7, -7], known)),
        ("bea".into(), sum(vec![0, 1], UnitCorrection::Unknown)),
    ];
    let capped = StoredStats {
        actors: Some(actors.into_iter().collect()),
        ..plain.clone()
    };
    let bytes = encode(&capped);
    assert_eq!(&bytes[..encode(&plain).len()], encode(&plain));
    let read = decode::<StoredStats>(&bytes, "s").unwrap();
    assert_eq!(read, capped);
    let corrections = |stats: &StoredStats| {
        let actors = stats.actors.as_ref().unwrap();
        let own = actors.iter().map(|(_, own)| own.correction.clone());
        own.collect::<Vec<_>>()
    };
    assert_eq!(corrections(&read), corrections(&capped));
    let none = StoredStats {
        actors: Some(ActorSums::default()),
        ..plain.clone()
    };
    assert_eq!(decode::<StoredStats>(&encode(&none), "s").unwrap(), none);
    assert_ne!(none, plain);
}

#[test]
fn caps_and_the_actors_of_effects_are_extensions_of_a_log_entry() {
    let record = |max_actor_share| CategoryRecord {
        key: "c".into(),
        settings: CategorySettings {
            max_actor_share,
            ..CategorySettings::DEFAULT
        },
        base: None,
        metadata: Metadata::new(),
        anchor: 0,
        created_ms: 1,
    };
    let effect = |item, actor: Option<&str>| Effect {
        category: 1,
        item,
        members: 1,
        counting: 1,
        before: false,
        actor: actor.map(Arc::from),
    };
    let entry = |capped: bool| Entry {
        revision: 3,
        origin: Default::default(),
        request_id: String::new(),
        changes: vec![
            Change::CategoryUpdated {
                before: record(None),
            },
            Change::CategoryDeleted {
                before: record(capped.then_some(0.25)),
            },
        ],
        effects: vec![
            effect(5, None),
            effect(6, capped.then_some("")),
            effect(7, capped.then_some("ada")),
        ],
        images: Vec::new(),
        undone: Vec::new(),
    };
    let (plain, capped) = (encode(&entry(false)), encode(&entry(true)));
    assert_eq!(capped[..plain.len()], plain, "what precedes is the same");
    for each in [false, true] {
        assert_eq!(
            decode::<Entry>(&encode(&entry(each)), "e").unwrap(),
            entry(each)
        );
    }
    let cap = record(Some(0.25));
    assert_eq!(decode::<CategoryRecord>(&encode(&cap), "c").unwrap(), cap);
    for wrong in [0.0, 1.0, f64::NAN] {
        assert!(decode::<CategoryRecord>(&encode(&record(Some(wrong))), "c").is_err());
    }
}

#[test]
fn the_numbers_of_dismissals_and_parts_are_extensions_of_a_header_that_has_some() {
    let plain = Header {
        revision: 9,
        log_bytes: Some(100),
        ..Header::default()
    };
    let some = Header {
        dismissals: 3,
        parts: 7,
        ..plain
    };
    let (before, after) = (encode(&plain), encode(&some));
    assert_eq!(after[..before.len()], before, "what precedes is the same");
    assert_eq!(decode::<Header>(&before, "h").unwrap(), plain);
    assert_eq!(decode::<Header>(&after, "h").unwrap(), some);
}

#[test]
fn a_ranking_out_of_its_range_is_damage() {
    let wrong = RankingSettings {
        fairness: Some(1.5),
        ..LOCAL
    };
    assert!(decode::<Profile>(&encode(&profile(wrong)), "p").is_err());
}
