//! Who may call, and how much at once: the tokens of a server, and the limits of its calls.

use std::sync::Arc;

use ee_access::concurrency::Limits;
use ee_access::{Callers, Config, Grant as AccessGrant, tokens};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The tokens of one token file.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct TokenTable(Arc<tokens::TokenTable>);

#[pymethods]
impl TokenTable {
    #[new]
    fn new(text: &str, key: [u8; 32]) -> PyResult<Self> {
        match tokens::TokenTable::parse(text, key) {
            Ok(table) => Ok(Self(Arc::new(table))),
            Err(error) => Err(PyValueError::new_err(error.to_string())),
        }
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn principals(&self) -> Vec<String> {
        self.0.principals().to_vec()
    }

    fn principal_of(&self, token: &str) -> Option<&str> {
        let caller = self.0.identify(token.as_bytes())?;
        Some(caller.principal())
    }
}

/// A token as a token file keeps it.
#[pyfunction]
pub(crate) fn token_hash(token: &str) -> String {
    tokens::hash_of(token)
}

/// Decides which calls run.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Admission(pub(crate) Arc<ee_access::Admission>);

#[pymethods]
impl Admission {
    #[new]
    #[pyo3(signature = (
        tokens, *, seed, calls_per_second, burst_calls, calls, calls_share, arriving,
        arriving_share, streams, streams_share, waiting, waiting_share, reply_bytes, reply_bytes_share, max_reply_bytes
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of one call")]
    fn new(
        tokens: Option<&TokenTable>,
        seed: u64,
        calls_per_second: f64,
        burst_calls: f64,
        calls: u64,
        calls_share: u64,
        arriving: u64,
        arriving_share: u64,
        streams: u64,
        streams_share: u64,
        waiting: u64,
        waiting_share: u64,
        reply_bytes: u64,
        reply_bytes_share: u64,
        max_reply_bytes: u64,
    ) -> PyResult<Self> {
        let config = Config {
            calls_per_second,
            burst_calls,
            limits: Limits {
                calls,
                calls_share,
                arriving,
                arriving_share,
                streams,
                streams_share,
                waiting,
                waiting_share,
                reply_bytes,
                reply_bytes_share,
            },
            max_reply_bytes,
        };
        let callers = match tokens {
            Some(table) => Callers::Tokens(Arc::clone(&table.0)),
            None => {
                let grant = AccessGrant::unrestricted("local")
                    .map_err(|error| PyValueError::new_err(error.to_string()))?;
                Callers::Everybody(Arc::new(tokens::Caller::without_token(grant)))
            }
        };
        let admission = ee_access::Admission::new(config, callers, seed);
        Ok(Self(Arc::new(admission)))
    }

    fn replace_tokens(&self, table: &TokenTable) {
        self.0.replace_tokens(tokens::TokenTable::clone(&table.0));
    }

    fn close(&self) {
        self.0.close();
    }

    #[getter]
    fn in_flight(&self) -> u64 {
        self.0.in_flight()
    }

    #[getter]
    fn reply_bytes(&self) -> u64 {
        self.0.reply_bytes()
    }
}
