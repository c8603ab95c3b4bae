//! Callers: bearer tokens, kept as hashes, each with its principal, grant and rate.
//!
//! A token file has one entry per line, and comments after `#`:
//!
//! ```text
//! # principal  hash of the token     permissions
//! alice        sha256:5e88...        write:alice  read:shared-*
//! alice        sha256:0f3c...        write:alice  read:shared-*
//! operator     sha256:9b71...        admin:*  rate=1000
//! ```
//!
//! A permission is a scope (`read`, `write` or `admin`, each of which includes the scopes before
//! it), a colon, and a namespace pattern (a name, a prefix and `*`, or `*`). What no permission
//! allows is denied. `rate` is the token's own number of calls per second, instead of the
//! service's; 0: without a limit. A principal may have two live tokens, so that one can replace
//! the other without a gap.
//!
//! Tokens have 256 random bits, so a plain SHA-256 protects them: guessing is hopeless.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::grant::{Grant, InvalidRule};
use crate::limits::{TOKEN_BYTES, TOKEN_PRINCIPAL_BYTES, TOKEN_RATE, TOKENS, TOKENS_PER_PRINCIPAL};
use crate::rate_limit::TokenBucket;

/// The beginning of every token, which scanners for secrets can look for.
pub const TOKEN_PREFIX: &str = "effemb_";

const HASH_PREFIX: &str = "sha256:";
const RATE_PREFIX: &str = "rate=";

/// The SHA-256 of a token: it identifies the token and does not reveal it.
type Hash = [u8; 32];

/// A known caller: one token of a principal.
#[derive(Debug)]
pub struct Caller {
    principal: Arc<str>,
    grant: Arc<Grant>,
    calls_per_second: Option<f64>,
    /// `None` until the first call. It outlives a reload of the token file.
    pub(crate) bucket: Arc<Mutex<Option<TokenBucket>>>,
}

impl Caller {
    /// A caller that is known without a token.
    pub fn without_token(grant: Grant) -> Self {
        Self {
            principal: Arc::from(grant.principal()),
            grant: Arc::new(grant),
            calls_per_second: None,
            bucket: Arc::default(),
        }
    }

    /// The principal.
    pub fn principal(&self) -> &Arc<str> {
        &self.principal
    }

    /// The principal's permissions with this token.
    pub fn grant(&self) -> &Arc<Grant> {
        &self.grant
    }

    /// The token's own rate in calls per second; 0: without a limit; `None`: the service's.
    pub fn calls_per_second(&self) -> Option<f64> {
        self.calls_per_second
    }
}

/// A token file that is not valid. The text names the line and never repeats it, since it may
/// hold a token by mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTokens(String);

impl fmt::Display for InvalidTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidTokens {}

impl From<InvalidRule> for InvalidTokens {
    fn from(error: InvalidRule) -> Self {
        Self(error.to_string())
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, InvalidTokens> {
    Err(InvalidTokens(message.into()))
}

/// The tokens of one token file. Immutable.
#[derive(Clone, Debug)]
pub struct TokenTable {
    /// The key of the MAC by which hashes are looked up.
    key: [u8; 32],
    by_tag: HashMap<[u8; 32], (Hash, Arc<Caller>)>,
    principals: Vec<String>,
}

impl TokenTable {
    /// Parses a token file.
    ///
    /// `key` must be random and secret. Hashes are looked up by their MAC under it, of which a
    /// caller cannot know a bit; so the time of a look-up reveals nothing about a token that is
    /// nearly right, and does not grow with the number of tokens (the double HMAC comparison).
    pub fn parse(text: &str, key: [u8; 32]) -> Result<Self, InvalidTokens> {
        let mut by_tag = HashMap::new();
        let mut counts = BTreeMap::<String, usize>::new();
        let mut count = 0;
        let mut twice = false;
        for (index, line) in text.lines().enumerate() {
            let content = line.split_once('#').map_or(line, |(content, _)| content);
            let fields: Vec<_> = content.split_whitespace().collect();
            if fields.is_empty() {
                continue;
            }
            let (hash, caller) = entry(&fields)
                .map_err(|error| InvalidTokens(format!("line {}: {error}", index + 1)))?;
            count += 1;
            *counts.entry(caller.principal.to_string()).or_default() += 1;
            let caller = (hash, Arc::new(caller));
            twice |= by_tag.insert(tag(&key, &hash), caller).is_some();
        }
        if count > TOKENS {
            return invalid(format!("there are {count} tokens, and at most {TOKENS}"));
        }
        if twice {
            return invalid("a token is listed twice");
        }
        if let Some((principal, count)) = counts
            .iter()
            .find(|&(_, &count)| count > TOKENS_PER_PRINCIPAL)
        {
            return invalid(format!(
                "{principal} has {count} live tokens, and at most {TOKENS_PER_PRINCIPAL}: remove \
                 the oldest"
            ));
        }
        Ok(Self {
            key,
            by_tag,
            principals: counts.into_keys().collect(),
        })
    }

    /// The same tokens, with the rest of the rates of another table's callers.
    #[must_use]
    pub fn with_rates_of(mut self, before: &Self) -> Self {
        for (hash, caller) in self.by_tag.values_mut() {
            if let Some((_, known)) = before.by_tag.get(&tag(&before.key, hash)) {
                *caller = Arc::new(Caller {
                    principal: Arc::clone(&caller.principal),
                    grant: Arc::clone(&caller.grant),
                    calls_per_second: caller.calls_per_second,
                    bucket: Arc::clone(&known.bucket),
                });
            }
        }
        self
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.by_tag.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.by_tag.is_empty()
    }

    /// The principals that have a token, sorted.
    pub fn principals(&self) -> &[String] {
        &self.principals
    }

    /// The caller that a token belongs to. The look-up takes the same time however much of an
    /// unknown token is right.
    pub fn identify(&self, token: &[u8]) -> Option<&Arc<Caller>> {
        if token.len() > TOKEN_BYTES {
            return None;
        }
        let hash = Sha256::digest(token).into();
        let (_, caller) = self.by_tag.get(&tag(&self.key, &hash))?;
        Some(caller)
    }
}

/// A token as a token file keeps it: `sha256:` and 64 hexadecimal digits.
pub fn hash_of(token: &str) -> String {
    let hash = Sha256::digest(token.as_bytes());
    let digits = hash.iter().map(|byte| format!("{byte:02x}"));
    HASH_PREFIX.to_owned() + &digits.collect::<String>()
}

fn tag(key: &[u8; 32], hash: &Hash) -> [u8; 32] {
    blake3::keyed_hash(key, hash).into()
}

fn entry(fields: &[&str]) -> Result<(Hash, Caller), InvalidTokens> {
    let [principal, hash, rules @ ..] = fields else {
        return invalid("must be: principal sha256:HEX scope:namespace...");
    };
    if !is_principal(principal) {
        return invalid(format!(
            "a principal has 1 to {TOKEN_PRINCIPAL_BYTES} letters, digits, '.', '_', '@' or '-', \
             and begins with a letter or a digit"
        ));
    }
    if principal.starts_with(TOKEN_PREFIX) {
        return invalid(format!(
            "a principal does not begin with {TOKEN_PREFIX}: that is a token, and secret"
        ));
    }
    let hash = parse_hash(hash)?;
    let mut rate = None;
    let mut permissions = Vec::new();
    for rule in rules {
        if let Some(text) = rule.strip_prefix(RATE_PREFIX) {
            rate = Some(parse_rate(text)?);
        } else if let Some(permission) = rule.split_once(':') {
            permissions.push(permission);
        } else {
            return invalid("a rule must be scope:namespace, such as read:* or write:alice");
        }
    }
    if permissions.is_empty() {
        return invalid(format!(
            "{principal} may do nothing: add rules such as read:* or write:alice"
        ));
    }
    let caller = Caller {
        calls_per_second: rate,
        ..Caller::without_token(Grant::new(principal, permissions)?)
    };
    Ok((hash, caller))
}

fn is_principal(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    text.len() <= TOKEN_PRINCIPAL_BYTES
        && text.bytes().all(inner)
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

fn parse_hash(text: &str) -> Result<Hash, InvalidTokens> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let digits = text.strip_prefix(HASH_PREFIX).map(str::as_bytes);
    let bytes = digits
        .filter(|digits| digits.len() == 64)
        .and_then(|digits| {
            let pairs = digits.chunks_exact(2);
            pairs
                .map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?))
                .collect::<Option<Vec<_>>>()
        });
    match bytes.and_then(|bytes| Hash::try_from(bytes).ok()) {
        Some(hash) => Ok(hash),
        None => invalid("the hash must be sha256: and 64 hexadecimal digits (`effemb token new`)"),
    }
}

fn parse_rate(text: &str) -> Result<f64, InvalidTokens> {
    match text.parse() {
        Ok(rate) if (0.0..=TOKEN_RATE).contains(&rate) => Ok(rate),
        _ => invalid(format!(
            "a rate is rate= and 0 to {TOKEN_RATE} calls a second, such as rate=100"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Scope;

    const KEY: [u8; 32] = [7; 32];

    fn line(principal: &str, token: &str, rules: &str) -> String {
        format!("{principal} {} {rules}\n", hash_of(token))
    }

    #[track_caller]
    fn refused(text: &str, told: &str) {
        let error = TokenTable::parse(text, KEY).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        assert!(!error.contains("secretsecret"), "{error}");
    }

    #[test]
    fn a_hash_is_sha256_in_hexadecimal() {
        let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_of("abc"), expected);
    }

    #[test]
    fn a_token_names_its_principal_its_permissions_and_its_rate() {
        let text = "# who may do what\n\n".to_owned()
            + &line("alice", "one", "write:alice read:shared-* # the old one")
            + &line("alice", "two", "write:alice")
            + &line("op@x", "three", "admin:* rate=2.5");
        let table = TokenTable::parse(&text, KEY).unwrap();
        assert_eq!(table.len(), 3);
        assert_eq!(table.principals(), ["alice", "op@x"]);
        let alice = table.identify(b"one").unwrap();
        assert_eq!(&**alice.principal(), "alice");
        assert_eq!(alice.calls_per_second(), None);
        assert!(alice.grant().allows(Scope::Write, "alice"));
        assert!(alice.grant().allows(Scope::Read, "shared-7"));
        assert!(!alice.grant().allows(Scope::Write, "shared-7"));
        assert!(
            !table
                .identify(b"two")
                .unwrap()
                .grant()
                .allows(Scope::Read, "shared-7")
        );
        assert_eq!(
            table.identify(b"three").unwrap().calls_per_second(),
            Some(2.5)
        );
        for unknown in ["", "One", "on", "onee", &hash_of("one")] {
            assert!(table.identify(unknown.as_bytes()).is_none(), "{unknown}");
        }
    }

    #[test]
    fn a_token_that_is_too_long_is_unknown() {
        let (longest, longer) = ("x".repeat(TOKEN_BYTES), "x".repeat(TOKEN_BYTES + 1));
        let text = line("a", &longest, "read:*") + &line("b", &longer, "read:*");
        let table = TokenTable::parse(&text, KEY).unwrap();
        assert!(table.identify(longest.as_bytes()).is_some());
        assert!(table.identify(longer.as_bytes()).is_none());
    }

    #[test]
    fn lines_that_are_not_entries_are_refused_and_not_repeated() {
        let hash = hash_of("x");
        for (content, told) in [
            ("alice", "must be: principal"),
            ("alice effemb_secretsecret read:*", "the hash must be"),
            ("alice sha256:00 read:*", "the hash must be"),
            ("al/ice {hash} read:*", "a principal has"),
            (".alice {hash} read:*", "a principal has"),
            ("alice {hash}", "may do nothing"),
            ("alice {hash} rate=5", "may do nothing"),
            ("alice {hash} read", "scope:namespace"),
            ("alice {hash} own:*", "scope"),
            ("alice {hash} read:a*b", "pattern"),
            ("alice {hash} read:* rate=fast", "a rate is"),
            ("alice {hash} read:* rate=nan", "a rate is"),
            ("alice {hash} read:* rate=-1", "a rate is"),
            ("alice {hash} read:* rate=1000001", "a rate is"),
            ("effemb_secretsecret {hash} read:*", "that is a token"),
        ] {
            let text = format!("# a comment\n\n{}", content.replace("{hash}", &hash));
            refused(&text, told);
            refused(&text, "line 3: ");
        }
        let long = "p".repeat(TOKEN_PRINCIPAL_BYTES + 1);
        refused(&format!("{long} {hash} read:*"), "a principal has");
        let upper = hash_of("x").to_uppercase();
        refused(&format!("alice {upper} read:*"), "the hash must be");
    }

    #[test]
    fn a_file_has_limits() {
        let entries = |count: usize| -> String {
            (0..count)
                .map(|n| line(&format!("p{n}"), &n.to_string(), "read:*"))
                .collect()
        };
        assert_eq!(
            TokenTable::parse(&entries(TOKENS), KEY).unwrap().len(),
            TOKENS
        );
        refused(&entries(TOKENS + 1), "1025 tokens, and at most 1024");
        let twice = line("a", "one", "read:*") + &line("b", "one", "read:*");
        refused(&twice, "listed twice");
        let three: String = ["1", "2", "3"].map(|t| line("a", t, "read:*")).concat();
        refused(&three, "a has 3 live tokens");
    }

    #[test]
    fn the_rest_of_a_rate_outlives_a_reload() {
        let text = line("a", "one", "read:*") + &line("b", "two", "read:*");
        let before = TokenTable::parse(&text, KEY).unwrap();
        let text = line("a", "one", "write:* rate=3") + &line("c", "three", "read:*");
        let after = TokenTable::parse(&text, [8; 32])
            .unwrap()
            .with_rates_of(&before);
        let (old, new) = (
            before.identify(b"one").unwrap(),
            after.identify(b"one").unwrap(),
        );
        assert!(Arc::ptr_eq(&old.bucket, &new.bucket));
        assert_eq!(new.calls_per_second(), Some(3.0));
        assert!(new.grant().allows(Scope::Write, "x"));
        assert!(after.identify(b"two").is_none());
    }
}
