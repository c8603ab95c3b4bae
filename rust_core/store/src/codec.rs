//! Stored records: how they are encoded, and how they grow.
//!
//! A record is
//!
//! ```text
//! version (1 byte) · body (postcard) · extensions: (tag varint, length varint, bytes)*
//! ```
//!
//! The body of a version never changes. A new field is an **extension**: it gets the next tag of its
//! record, and a record that does not use the field does not have the extension. So
//!
//! * a new field rewrites no table: records that do not use it are the same, byte for byte;
//! * an older version of the software reads every record that does not use the field;
//! * a record that does use it is refused by the older version, by name ("category record: field 1
//!   was written by a newer version of the software; this version knows no fields"), and never read
//!   in part: an ignored setting would be a wrong answer.
//!
//! To add a field: give the type in `ee-core` a field with `#[serde(skip)]` whose default means "not
//! set", raise [`Record::FIELDS`], and write and read it in [`Record::extensions`] and
//! [`Record::extension`]. A field of a *nested* element (a before-image in a log entry, a result in a
//! list) is an extension of the outermost record too: a list of (place of the element, value) with
//! the elements that have it, so that elements cost nothing where the field is not used. A new
//! variant of an enum, or any change that older versions must not misread, raises
//! [`Record::VERSION`], and the decoder keeps reading the older ones.
//!
//! Tags are in ascending order, and each occurs at most once. Columns of `items` and `memberships`
//! that are not records have a column `extensions` beside them, of the same form, which is NULL as
//! long as no extension is used ([`check_extensions`]).
//!
//! Vectors and sums are arrays of little-endian numbers. `tests/records.rs` holds a fixture of each
//! kind of record: a change of a body is found there.

use std::sync::Arc;

use ee_core::command::Outcome;
use ee_core::command::record::{Change, Entry};
use ee_core::namespace::{CategoryRecord, Header, MemberStats, Profile, UnitCorrection};
use ee_core::settings::{Metadata, NamespaceSettings, RankingSettings};
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{StoreError, StoreResult};

/// A kind of stored record.
pub trait Record: Sized {
    /// Name of the kind, in errors.
    const NAME: &str;
    /// Version that is written.
    const VERSION: u8 = 1;
    /// Highest tag of an extension that this version knows; 0: none.
    const FIELDS: u64 = 0;

    /// Writes the body.
    fn body(&self, out: Body) -> Body;

    /// Reads the body, and returns the bytes behind it.
    fn read(bytes: &[u8]) -> postcard::Result<(Self, &[u8])>;

    /// Writes the extensions that the record uses, in order of their tags.
    fn extensions(&self, _out: &mut Extensions) {}

    /// Reads an extension whose tag is known. `None`: its bytes are not a value of the field.
    fn extension(&mut self, _tag: u64, _bytes: &[u8]) -> Option<()> {
        None
    }
}

/// The body of a record that is being written.
pub struct Body(Vec<u8>);

impl Body {
    /// Appends a value.
    pub fn put<T: Serialize + ?Sized>(self, value: &T) -> Self {
        // Only a failing writer or a sequence without a length can fail here; records have neither.
        let bytes = postcard::serialize_with_flavor(value, Bytes(self.0));
        Self(bytes.expect("a record can be encoded"))
    }
}

/// Bytes that postcard appends to.
struct Bytes(Vec<u8>);

impl Flavor for Bytes {
    type Output = Vec<u8>;

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// The extensions of a record that is being written.
pub struct Extensions(Vec<u8>);

impl Extensions {
    /// Writes an extension, whose tag is higher than those of the ones before.
    pub fn put<T: Serialize + ?Sized>(&mut self, tag: u64, value: &T) {
        let bytes = Body(Vec::new()).put(value).0;
        let head = Body(std::mem::take(&mut self.0)).put(&tag);
        self.0 = head.put(bytes.as_slice()).0;
    }
}

/// A value of an extension: all of its bytes.
pub fn value<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

/// Bytes of a record.
pub fn encode<R: Record>(record: &R) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.push(R::VERSION);
    let mut extensions = Extensions(record.body(Body(bytes)).0);
    record.extensions(&mut extensions);
    extensions.0
}

/// A record from its bytes. `place`: the row, for errors.
pub fn decode<R: Record>(bytes: &[u8], place: &str) -> StoreResult<R> {
    let corrupted = |what: String| StoreError::corrupted(place, format!("{}: {what}", R::NAME));
    let (&version, bytes) = bytes
        .split_first()
        .ok_or_else(|| corrupted("is empty".into()))?;
    if version == 0 {
        return Err(corrupted("has version 0".into()));
    }
    if version > R::VERSION {
        return Err(StoreError::Newer {
            place: place.to_owned(),
            what: format!(
                "{}: version {version} was written by a newer version of the software; this \
                 version reads up to {}",
                R::NAME,
                R::VERSION
            ),
        });
    }
    let (mut record, rest) =
        R::read(bytes).map_err(|error| corrupted(format!("cannot be decoded: {error}")))?;
    read_extensions(rest, R::NAME, R::FIELDS, place, |tag, bytes| {
        record.extension(tag, bytes)
    })?;
    Ok(record)
}

/// Refuses the extensions of a row of columns that has any: this version knows none.
pub fn check_extensions(extensions: Option<&[u8]>, name: &str, place: &str) -> StoreResult<()> {
    match extensions {
        None => Ok(()),
        Some(bytes) => read_extensions(bytes, name, 0, place, |_, _| None),
    }
}

fn read_extensions(
    mut bytes: &[u8],
    name: &str,
    known: u64,
    place: &str,
    mut read: impl FnMut(u64, &[u8]) -> Option<()>,
) -> StoreResult<()> {
    let corrupted = |what: String| StoreError::corrupted(place, format!("{name}: {what}"));
    let mut last = 0;
    while !bytes.is_empty() {
        let ((tag, value), rest): ((u64, &[u8]), _) = postcard::take_from_bytes(bytes)
            .map_err(|error| corrupted(format!("an extension cannot be decoded: {error}")))?;
        if tag <= last {
            return Err(corrupted(format!("field {tag} comes after field {last}")));
        }
        if tag > known {
            let knows = match known {
                0 => "no fields".to_owned(),
                known => format!("fields up to {known}"),
            };
            return Err(StoreError::Newer {
                place: place.to_owned(),
                what: format!(
                    "{name}: field {tag} was written by a newer version of the software; this \
                     version knows {knows}"
                ),
            });
        }
        read(tag, value).ok_or_else(|| corrupted(format!("field {tag} cannot be decoded")))?;
        (last, bytes) = (tag, rest);
    }
    Ok(())
}

/// A record whose body is the value as serde has it.
macro_rules! plain_body {
    () => {
        fn body(&self, out: Body) -> Body {
            out.put(self)
        }

        fn read(bytes: &[u8]) -> postcard::Result<(Self, &[u8])> {
            postcard::take_from_bytes(bytes)
        }
    };
}

/// Extensions: 1, the least score of a match.
impl Record for CategoryRecord {
    const NAME: &str = "category record";
    const FIELDS: u64 = 1;
    plain_body!();

    fn extensions(&self, out: &mut Extensions) {
        if let Some(min_score) = self.settings.min_score {
            out.put(1, &min_score);
        }
    }

    fn extension(&mut self, _tag: u64, bytes: &[u8]) -> Option<()> {
        self.settings.min_score = Some(checked_score(value(bytes)?)?);
        Some(())
    }
}

/// Extensions, each value with the place of its change: 1, rankings before changes of the profile;
/// 2, least scores of categories before their changes.
impl Record for Entry {
    const NAME: &str = "log entry";
    const FIELDS: u64 = 2;
    plain_body!();

    fn extensions(&self, out: &mut Extensions) {
        let changes = || self.changes.iter().enumerate();
        let ranking = |(place, change): (usize, &Change)| match change {
            Change::ProfileUpdated { ranking, .. } if *ranking != RankingSettings::default() => {
                Some((place as u64, *ranking))
            }
            _ => None,
        };
        let rankings: Vec<_> = changes().filter_map(ranking).collect();
        if !rankings.is_empty() {
            out.put(1, &rankings);
        }
        let min_score = |(place, change): (usize, &Change)| match change {
            Change::CategoryUpdated { before } | Change::CategoryDeleted { before } => {
                Some((place as u64, before.settings.min_score?))
            }
            _ => None,
        };
        let min_scores: Vec<(u64, f64)> = changes().filter_map(min_score).collect();
        if !min_scores.is_empty() {
            out.put(2, &min_scores);
        }
    }

    fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
        if tag == 2 {
            for (place, min_score) in value::<Vec<(u64, f64)>>(bytes)? {
                let place = usize::try_from(place).ok()?;
                let change = self.changes.get_mut(place)?;
                let (Change::CategoryUpdated { before } | Change::CategoryDeleted { before }) =
                    change
                else {
                    return None;
                };
                before.settings.min_score = Some(checked_score(min_score)?);
            }
            return Some(());
        }
        for (place, before) in value::<Vec<(u64, RankingSettings)>>(bytes)? {
            let place = usize::try_from(place).ok()?;
            let Change::ProfileUpdated { ranking, .. } = self.changes.get_mut(place)? else {
                return None;
            };
            *ranking = checked(before)?;
        }
        Some(())
    }
}

/// What a category has absorbed, apart from the sum itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredStats {
    /// Counts and sums of its members.
    pub stats: MemberStats,
    /// What its sum lacks to be the sum of unit copies.
    pub unit_correction: UnitCorrection,
}

/// Extensions: 1, the correction, as a sum is stored.
impl Record for StoredStats {
    const NAME: &str = "member statistics";
    const FIELDS: u64 = 1;

    fn body(&self, out: Body) -> Body {
        out.put(&self.stats)
    }

    fn read(bytes: &[u8]) -> postcard::Result<(Self, &[u8])> {
        let (stats, rest) = postcard::take_from_bytes(bytes)?;
        let unit_correction = None;
        Ok((
            Self {
                stats,
                unit_correction,
            },
            rest,
        ))
    }

    fn extensions(&self, out: &mut Extensions) {
        if let Some(correction) = &self.unit_correction {
            out.put(1, &sum_to_bytes(correction));
        }
    }

    fn extension(&mut self, _tag: u64, bytes: &[u8]) -> Option<()> {
        let components = value::<Vec<u8>>(bytes)?;
        let whole = components.len().is_multiple_of(size_of::<i64>());
        self.unit_correction = whole.then(|| Arc::new(sum_from_bytes(&components)));
        whole.then_some(())
    }
}

impl Record for Header {
    const NAME: &str = "namespace header";
    plain_body!();
}

impl Record for NamespaceSettings {
    const NAME: &str = "namespace settings";
    plain_body!();
}

impl Record for Metadata {
    const NAME: &str = "item metadata";
    plain_body!();
}

/// Extensions: 1, the ranking.
impl Record for Profile {
    const NAME: &str = "namespace profile";
    const FIELDS: u64 = 1;
    plain_body!();

    fn extensions(&self, out: &mut Extensions) {
        put_ranking(out, self.ranking);
    }

    fn extension(&mut self, _tag: u64, bytes: &[u8]) -> Option<()> {
        self.ranking = checked(value(bytes)?)?;
        Some(())
    }
}

fn put_ranking(out: &mut Extensions, ranking: RankingSettings) {
    if ranking != RankingSettings::default() {
        out.put(1, &ranking);
    }
}

/// A score, if it is in its range.
fn checked_score(score: f64) -> Option<f64> {
    (-1.0..=1.0).contains(&score).then_some(score)
}

/// Whether the numbers are in their range.
fn checked(ranking: RankingSettings) -> Option<RankingSettings> {
    let fits = |fairness: f64| (0.0..=1.0).contains(&fairness);
    ranking.fairness.is_none_or(fits).then_some(ranking)
}

/// The first answer to a request with an id.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To a command: the outcome, and the revision after it.
    Command(Outcome, u64),
    /// To the creation, deletion or restore of a namespace.
    Namespace(Box<NamespaceAnswer>),
}

/// A namespace, as its creation, deletion or restore was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceAnswer {
    /// Name.
    pub name: String,
    /// Settings.
    pub settings: NamespaceSettings,
    /// Description, labels and time of creation.
    pub profile: Profile,
    /// Revision, counts and digests.
    pub header: Header,
}

/// Kinds of answers in a body.
const COMMAND: u8 = 0;
const NAMESPACE: u8 = 1;

impl Answer {
    /// The profile in the answer, if it has one.
    fn profile(&mut self) -> Option<&mut Profile> {
        match self {
            Self::Command(Outcome::UpdateProfile { profile, .. }, _) => Some(profile),
            Self::Command(..) => None,
            Self::Namespace(answer) => Some(&mut answer.profile),
        }
    }
}

/// Extensions: 1, the ranking of the profile that is answered; 2, the least score of the category
/// that is answered.
impl Record for Answer {
    const NAME: &str = "stored answer";
    const FIELDS: u64 = 2;

    fn extensions(&self, out: &mut Extensions) {
        match self {
            Self::Command(outcome, _) => command_extensions(out, outcome),
            Self::Namespace(answer) => put_ranking(out, answer.profile.ranking),
        }
    }

    fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
        if tag == 2 {
            let Self::Command(Outcome::Reanchor(view), _) = self else {
                return None;
            };
            view.settings.min_score = Some(checked_score(value(bytes)?)?);
            return Some(());
        }
        self.profile()?.ranking = checked(value(bytes)?)?;
        Some(())
    }

    fn body(&self, out: Body) -> Body {
        match self {
            Self::Command(outcome, revision) => command_body(out, outcome, *revision),
            Self::Namespace(answer) => out
                .put(&(NAMESPACE, &answer.name, &answer.settings))
                .put(&(&answer.profile, &answer.header)),
        }
    }

    fn read(bytes: &[u8]) -> postcard::Result<(Self, &[u8])> {
        let (kind, bytes): (u8, _) = postcard::take_from_bytes(bytes)?;
        Ok(match kind {
            COMMAND => {
                let ((outcome, revision), rest) = postcard::take_from_bytes(bytes)?;
                (Self::Command(outcome, revision), rest)
            }
            NAMESPACE => {
                let ((name, settings, profile, header), rest) = postcard::take_from_bytes(bytes)?;
                let answer = NamespaceAnswer {
                    name,
                    settings,
                    profile,
                    header,
                };
                (Self::Namespace(Box::new(answer)), rest)
            }
            _ => return Err(postcard::Error::DeserializeBadEnum),
        })
    }
}

/// Bytes of [`Answer::Command`], without a copy of the outcome.
pub fn encode_command_answer(outcome: &Outcome, revision: u64) -> Vec<u8> {
    let body = command_body(Body(vec![Answer::VERSION]), outcome, revision);
    let mut extensions = Extensions(body.0);
    command_extensions(&mut extensions, outcome);
    extensions.0
}

fn command_extensions(out: &mut Extensions, outcome: &Outcome) {
    match outcome {
        Outcome::UpdateProfile { profile, .. } => put_ranking(out, profile.ranking),
        Outcome::Reanchor(view) => {
            if let Some(min_score) = view.settings.min_score {
                out.put(2, &min_score);
            }
        }
        _ => {}
    }
}

fn command_body(out: Body, outcome: &Outcome, revision: u64) -> Body {
    out.put(&(COMMAND, outcome, revision))
}

pub(crate) fn floats_to_bytes(values: &[f32]) -> Vec<u8> {
    to_bytes(values, f32::to_le_bytes)
}

pub(crate) fn floats_from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|chunk| f32::from_le_bytes(*chunk))
        .collect()
}

pub(crate) fn sum_to_bytes(values: &[i64]) -> Vec<u8> {
    to_bytes(values, i64::to_le_bytes)
}

/// In place, which the compiler makes a copy of: collecting the bytes one by one takes ten times
/// as long.
fn to_bytes<T: Copy, const N: usize>(values: &[T], of: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * N];
    for (bytes, value) in bytes.as_chunks_mut::<N>().0.iter_mut().zip(values) {
        *bytes = of(*value);
    }
    bytes
}

pub(crate) fn sum_from_bytes(bytes: &[u8]) -> Vec<i64> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|chunk| i64::from_le_bytes(*chunk))
        .collect()
}

#[cfg(test)]
mod tests {
    use ee_core::settings::RankingMode;

    use super::*;

    /// A record as it is now, and as an older version of the software knows it.
    #[derive(Clone, Debug, PartialEq)]
    struct Sample<const FIELDS: u64> {
        key: String,
        first: Option<f64>,
        second: Vec<(u32, bool)>,
    }

    impl<const FIELDS: u64> Record for Sample<FIELDS> {
        const NAME: &str = "sample";
        const FIELDS: u64 = FIELDS;

        fn body(&self, out: Body) -> Body {
            out.put(&self.key)
        }

        fn read(bytes: &[u8]) -> postcard::Result<(Self, &[u8])> {
            let (key, rest) = postcard::take_from_bytes(bytes)?;
            Ok((sample(key, None, &[]), rest))
        }

        fn extensions(&self, out: &mut Extensions) {
            if let Some(first) = self.first {
                out.put(1, &first);
            }
            if !self.second.is_empty() {
                out.put(2, &self.second);
            }
        }

        fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
            match tag {
                1 => self.first = Some(value(bytes)?),
                2 => self.second = value(bytes)?,
                _ => return None,
            }
            Some(())
        }
    }

    fn sample<const N: u64>(key: String, first: Option<f64>, second: &[(u32, bool)]) -> Sample<N> {
        Sample {
            key,
            first,
            second: second.to_vec(),
        }
    }

    fn of<const N: u64>(first: Option<f64>, second: &[(u32, bool)]) -> Sample<N> {
        sample("key".into(), first, second)
    }

    #[test]
    fn an_older_version_reads_a_record_that_does_not_use_the_new_fields() {
        let new = encode(&of::<2>(Some(0.5), &[]));
        assert_eq!(decode::<Sample<1>>(&new, "row"), Ok(of(Some(0.5), &[])));
        assert_eq!(encode(&of::<2>(None, &[])), encode(&of::<0>(None, &[])));
        let old = encode(&of::<0>(None, &[]));
        assert_eq!(decode::<Sample<2>>(&old, "row"), Ok(of(None, &[])));
        let all = of::<2>(Some(-1.0), &[(3, true)]);
        assert_eq!(decode(&encode(&all), "row"), Ok(all));
    }

    #[test]
    fn an_older_version_refuses_a_field_that_it_does_not_know_by_name() {
        let new = encode(&of::<2>(Some(0.5), &[(1, false)]));
        for (found, expected) in [
            (
                decode::<Sample<1>>(&new, "row").map(drop),
                "row: sample: field 2 was written by a newer version of the software; this version \
                 knows fields up to 1",
            ),
            (
                decode::<Sample<0>>(&new, "row").map(drop),
                "row: sample: field 1 was written by a newer version of the software; this version \
                 knows no fields",
            ),
            (
                check_extensions(Some(&[1, 0]), "item", "items, row 3"),
                "items, row 3: item: field 1 was written by a newer version of the software; this \
                 version knows no fields",
            ),
        ] {
            let error = found.unwrap_err();
            assert!(matches!(error, StoreError::Newer { .. }));
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn extensions_out_of_order_or_of_another_type_are_damage() {
        let body = encode(&of::<2>(None, &[]));
        for (extensions, expected) in [
            (
                &[2, 1, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0][..],
                "comes after field 2",
            ),
            (&[2, 1, 0, 2, 1, 0], "field 2 comes after field 2"),
            (&[1, 3, 0, 0, 0], "field 1 cannot be decoded"),
            (
                &[1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                "field 1 cannot be decoded",
            ),
            (&[1, 9, 0], "an extension cannot be decoded"),
            (&[0, 0], "field 0 comes after field 0"),
        ] {
            let bytes = [&body[..], extensions].concat();
            let error = decode::<Sample<2>>(&bytes, "row").unwrap_err();
            assert!(matches!(error, StoreError::Corrupted { .. }));
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

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
        };
        let entry = Entry {
            revision: 3,
            origin: Default::default(),
            request_id: String::new(),
            changes: vec![changed(RankingSettings::default()), changed(LOCAL)],
            effects: Vec::new(),
            images: Vec::new(),
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
    fn a_correction_is_an_extension_of_the_statistics() {
        let plain = StoredStats::default();
        let corrected = StoredStats {
            unit_correction: Some(Arc::new(vec![1, -2, i64::MIN])),
            ..plain.clone()
        };
        let bytes = encode(&corrected);
        assert_eq!(&bytes[..encode(&plain).len()], encode(&plain));
        assert_eq!(decode::<StoredStats>(&bytes, "s").unwrap(), corrected);
        assert_eq!(decode::<StoredStats>(&encode(&plain), "s").unwrap(), plain);
    }

    #[test]
    fn a_ranking_out_of_its_range_is_damage() {
        let wrong = RankingSettings {
            fairness: Some(1.5),
            ..LOCAL
        };
        assert!(decode::<Profile>(&encode(&profile(wrong)), "p").is_err());
    }
}
