//! The answers that are stored for requests with an id.

use ee_core::command::record::ChangeKind;
use ee_core::command::{Outcome, Undone};
use ee_core::namespace::{CategoryView, Header, Profile};
use ee_core::settings::NamespaceSettings;
use serde::{Deserialize, Serialize};

use super::record::{Body, Extensions, Record, encode_parts, value};
use super::records::{checked, checked_keep, checked_score, checked_share, put_keep, put_ranking};

/// The first answer to a request with an id.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To a command: the outcome, and the revision after it.
    Command(Outcome, u64),
    /// To the creation, deletion or restore of a namespace.
    Namespace(Box<NamespaceAnswer>),
    /// To the trimming of a history.
    Trim(TrimAnswer),
}

/// What a request has trimmed from a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrimAnswer {
    /// Entries deleted.
    pub entries: u64,
    /// Bytes of these entries.
    pub bytes: u64,
    /// The first revision that was kept.
    pub first_revision: u64,
    /// The revision of the namespace.
    pub revision: u64,
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
const TRIM: u8 = 2;

impl Answer {
    /// The profile in the answer, if it has one.
    fn profile(&mut self) -> Option<&mut Profile> {
        match self {
            Self::Command(Outcome::UpdateProfile { profile, .. }, _) => Some(profile),
            Self::Command(..) | Self::Trim(_) => None,
            Self::Namespace(answer) => Some(&mut answer.profile),
        }
    }
}

/// Version 2 has answers to trims, version 3 answers to renames and merges of categories and to
/// dismissals, version 4 answers to undos that list changes of parts. Extensions: 1, the ranking of the
/// profile that is answered; 2, the least score of the category that is answered; 3, the retention of the
/// profile that is answered; 4, the cap on the share of an actor of the category that is answered.
impl Record for Answer {
    const NAME: &str = "stored answer";
    const VERSION: u8 = 4;
    const FIELDS: u64 = 4;

    fn version(&self) -> u8 {
        match self {
            Self::Command(outcome, _) => command_version(outcome),
            Self::Trim(_) => 2,
            Self::Namespace(_) => 1,
        }
    }

    fn extensions(&self, out: &mut Extensions) {
        match self {
            Self::Command(outcome, _) => command_extensions(out, outcome),
            Self::Namespace(answer) => put_profile(out, &answer.profile),
            Self::Trim(_) => {}
        }
    }

    fn extension(&mut self, tag: u64, bytes: &[u8]) -> Option<()> {
        if tag == 2 {
            let Self::Command(outcome, _) = self else {
                return None;
            };
            category_of(outcome)?.settings.min_score = Some(checked_score(value(bytes)?)?);
            return Some(());
        }
        if tag == 4 {
            let Self::Command(outcome, _) = self else {
                return None;
            };
            let share = checked_share(value(bytes)?)?;
            category_of(outcome)?.settings.max_actor_share = Some(share);
            return Some(());
        }
        if tag == 3 {
            self.profile()?.history_keep = checked_keep(value(bytes)?)?;
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
            Self::Trim(answer) => out.put(&(TRIM, answer)),
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
            TRIM => {
                let (answer, rest) = postcard::take_from_bytes(bytes)?;
                (Self::Trim(answer), rest)
            }
            _ => return Err(postcard::Error::DeserializeBadEnum),
        })
    }
}

/// Bytes of [`Answer::Command`], without a copy of the outcome.
pub fn encode_command_answer(outcome: &Outcome, revision: u64) -> Vec<u8> {
    encode_parts(
        command_version(outcome),
        |out| command_body(out, outcome, revision),
        |out| command_extensions(out, outcome),
    )
}

/// The category in the answer, if it has one.
fn category_of(outcome: &mut Outcome) -> Option<&mut CategoryView> {
    match outcome {
        Outcome::Reanchor(category) | Outcome::RenameCategory { category, .. } => Some(category),
        Outcome::MergeCategories(merged) => Some(&mut merged.category),
        _ => None,
    }
}

fn command_version(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Undo(undone) if lists_parts(undone) => 4,
        // An undo may list changes of kinds that are newer.
        Outcome::RenameCategory { .. }
        | Outcome::MergeCategories(_)
        | Outcome::Dismiss(_)
        | Outcome::Undo(_) => 3,
        _ => 1,
    }
}

/// Whether an undo lists changes of parts.
fn lists_parts(undone: &Undone) -> bool {
    let done = undone.changes.iter().map(|change| change.kind);
    let mut kinds = done.chain(undone.skipped.iter().map(|conflict| conflict.kind));
    kinds.any(|kind| matches!(kind, ChangeKind::PartAdded | ChangeKind::PartRemoved))
}

fn command_extensions(out: &mut Extensions, outcome: &Outcome) {
    match outcome {
        Outcome::UpdateProfile { profile, .. } => put_profile(out, profile),
        Outcome::Reanchor(view) | Outcome::RenameCategory { category: view, .. } => {
            put_category(out, view);
        }
        Outcome::MergeCategories(merged) => put_category(out, &merged.category),
        _ => {}
    }
}

fn put_category(out: &mut Extensions, view: &CategoryView) {
    if let Some(min_score) = view.settings.min_score {
        out.put(2, &min_score);
    }
    if let Some(share) = view.settings.max_actor_share {
        out.put(4, &share);
    }
}

fn put_profile(out: &mut Extensions, profile: &Profile) {
    put_ranking(out, profile.ranking);
    put_keep(out, 3, profile.history_keep);
}

fn command_body(out: Body, outcome: &Outcome, revision: u64) -> Body {
    out.put(&(COMMAND, outcome, revision))
}
