//! The permissions of a caller: rules, each with a scope and the namespaces that it covers. A call
//! that no rule allows is denied.

use std::fmt;

use crate::limits::PRINCIPAL_BYTES;

/// The kind of access that a method needs; each scope includes the scopes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Reads.
    Read,
    /// Changes the contents of a namespace.
    Write,
    /// Creates, changes, deletes and restores namespaces.
    Admin,
}

impl Scope {
    /// `read`, `write` or `admin`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// The namespaces that a rule covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The namespace with this name.
    Exact(String),
    /// Every namespace whose name begins with this prefix; an empty prefix covers all.
    Prefix(String),
}

impl Pattern {
    /// Parses `name`, `prefix*` or `*`.
    pub fn parse(text: &str) -> Result<Self, InvalidRule> {
        let (stem, pattern) = match text.strip_suffix('*') {
            Some(stem) => (stem, Self::Prefix(stem.to_owned())),
            None => (text, Self::Exact(text.to_owned())),
        };
        if text.is_empty() || stem.contains('*') {
            return Err(InvalidRule(format!(
                "namespace pattern {text:?} is not a name, a prefix and *, or *"
            )));
        }
        Ok(pattern)
    }

    /// Whether the pattern covers a namespace name.
    pub fn covers(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
        }
    }
}

/// A rule or a principal that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRule(String);

impl fmt::Display for InvalidRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidRule {}

/// A principal and its permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    principal: String,
    rules: Vec<(Scope, Pattern)>,
}

impl Grant {
    /// A grant with these rules: (scope, namespace pattern).
    pub fn new<'a>(
        principal: &str,
        rules: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidRule> {
        if principal.len() > PRINCIPAL_BYTES {
            return Err(InvalidRule(format!(
                "a principal has at most {PRINCIPAL_BYTES} bytes"
            )));
        }
        let parse = |(scope, pattern): (&str, &str)| {
            let scope = [Scope::Read, Scope::Write, Scope::Admin]
                .into_iter()
                .find(|known| known.name() == scope)
                .ok_or_else(|| {
                    InvalidRule(format!("scope {scope:?} is not read, write or admin"))
                })?;
            Ok((scope, Pattern::parse(pattern)?))
        };
        Ok(Self {
            principal: principal.to_owned(),
            rules: rules.into_iter().map(parse).collect::<Result<_, _>>()?,
        })
    }

    /// A grant that allows every call.
    pub fn unrestricted(principal: &str) -> Result<Self, InvalidRule> {
        Self::new(principal, [("admin", "*")])
    }

    /// The principal.
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// Whether the grant allows this scope on a namespace, which need not exist.
    pub fn allows(&self, scope: Scope, namespace: &str) -> bool {
        self.patterns(scope)
            .any(|pattern| pattern.covers(namespace))
    }

    /// Whether the grant allows this scope on any namespace at all.
    pub fn allows_somewhere(&self, scope: Scope) -> bool {
        self.patterns(scope).next().is_some()
    }

    /// The namespaces whose names begin with `prefix` and on which the grant allows this scope, as
    /// patterns that do not overlap, in the order of their names.
    pub fn covered(&self, scope: Scope, prefix: &str) -> Vec<Pattern> {
        let narrowed = |pattern: &Pattern| match pattern {
            Pattern::Exact(name) => name.starts_with(prefix).then(|| pattern.clone()),
            Pattern::Prefix(own) if own.starts_with(prefix) => Some(pattern.clone()),
            Pattern::Prefix(own) => prefix
                .starts_with(own.as_str())
                .then(|| Pattern::Prefix(prefix.to_owned())),
        };
        let mut patterns: Vec<_> = self.patterns(scope).filter_map(narrowed).collect();
        // A prefix sorts directly before every name that it covers, including the equal one.
        patterns.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        patterns.dedup_by(|next, kept| kept.covers(key(next).0));
        patterns
    }

    fn patterns(&self, scope: Scope) -> impl Iterator<Item = &Pattern> {
        self.rules
            .iter()
            .filter(move |(own, _)| *own >= scope)
            .map(|(_, pattern)| pattern)
    }
}

fn key(pattern: &Pattern) -> (&str, bool) {
    match pattern {
        Pattern::Prefix(prefix) => (prefix, false),
        Pattern::Exact(name) => (name, true),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grant(rules: &[(&'static str, &'static str)]) -> Grant {
        Grant::new("somebody", rules.iter().copied()).unwrap()
    }

    #[test]
    fn scopes_include_those_before_them_and_nothing_is_allowed_by_default() {
        let grant = grant(&[("write", "alice"), ("read", "team-*"), ("admin", "lab*")]);
        assert!(grant.allows(Scope::Read, "alice"));
        assert!(grant.allows(Scope::Write, "alice"));
        assert!(!grant.allows(Scope::Admin, "alice"));
        assert!(!grant.allows(Scope::Read, "alice2"));
        assert!(grant.allows(Scope::Read, "team-"));
        assert!(!grant.allows(Scope::Write, "team-1"));
        assert!(grant.allows(Scope::Admin, "lab"));
        assert!(!grant.allows(Scope::Read, "bob"));
        assert!(
            !Grant::new("nobody", [])
                .unwrap()
                .allows_somewhere(Scope::Read)
        );
        assert!(
            Grant::unrestricted("root")
                .unwrap()
                .allows(Scope::Admin, "x")
        );
    }

    #[test]
    fn refuses_meaningless_rules() {
        for rule in [
            ("Read", "*"),
            ("", "*"),
            ("read", ""),
            ("read", "a*b"),
            ("read", "**"),
        ] {
            assert!(Grant::new("somebody", [rule]).is_err(), "{rule:?}");
        }
        assert!(Grant::unrestricted(&"p".repeat(257)).is_err());
    }

    proptest! {
        #[test]
        fn covered_patterns_are_disjoint_ordered_and_complete(
            patterns in prop::collection::vec("[ab]{0,3}\\*?", 1..6),
            names in prop::collection::vec("[ab]{1,4}", 1..20),
            prefix in "[ab]{0,2}",
        ) {
            let rules: Vec<_> = patterns.iter().filter(|p| !p.is_empty()).collect();
            let grant = Grant::new("p", rules.iter().map(|p| ("read", p.as_str()))).unwrap();
            let covered = grant.covered(Scope::Read, &prefix);
            for name in &names {
                let hits = covered.iter().filter(|pattern| pattern.covers(name)).count();
                let wanted = name.starts_with(&prefix) && grant.allows(Scope::Read, name);
                prop_assert_eq!(hits, usize::from(wanted), "{} in {:?}", name, covered);
            }
            let mut in_order = names;
            in_order.sort();
            let places: Vec<_> = in_order
                .iter()
                .filter_map(|name| covered.iter().position(|pattern| pattern.covers(name)))
                .collect();
            prop_assert!(places.is_sorted());
        }
    }
}
