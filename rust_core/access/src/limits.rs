//! The limits of principals and tokens, and of calls that wait to be looked at.

/// Bytes of a grant's principal.
pub const PRINCIPAL_BYTES: usize = 256;
/// Bytes of a principal in a token file.
pub const TOKEN_PRINCIPAL_BYTES: usize = 64;
/// Tokens of a token file.
pub const TOKENS: usize = 1024;
/// Tokens of one principal: one can replace the other without a gap.
pub const TOKENS_PER_PRINCIPAL: usize = 2;
/// Bytes of a token that a caller sends. A longer one is not even hashed.
pub const TOKEN_BYTES: usize = 512;
/// Calls per second of a token's own rate.
pub const TOKEN_RATE: f64 = 1_000_000.0;

/// Calls of one method that wait to be looked at; more than these are a queue that stands.
pub const MAX_QUEUED_CALLS: u64 = 72;

/// The limits that are whole numbers, by name.
pub fn all() -> Vec<(&'static str, u64)> {
    vec![
        ("tokens", TOKENS as u64),
        ("tokens_of_a_principal", TOKENS_PER_PRINCIPAL as u64),
        ("token_bytes", TOKEN_BYTES as u64),
        ("waiting_calls", MAX_QUEUED_CALLS),
    ]
}
