//! Admission control for a listener in Python: callers, rates, concurrency, load shedding, and the
//! refusals that a listener makes itself.
//!
//! Every method takes microseconds at most and keeps the GIL; its locks are held for less.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ee_access::concurrency::{Limits, Work};
use ee_access::rate_limit::Rate;
use ee_access::{Callers, Config, Grant as AccessGrant, refusals, tokens};
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyString, PyTuple};

use crate::error::Refused;
use crate::grant::Grant;

/// The metadata that a call brings its token in.
const AUTHORIZATION: &str = "authorization";

/// A known caller.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Caller(Arc<tokens::Caller>);

#[pymethods]
impl Caller {
    #[new]
    fn new(grant: &Grant) -> Self {
        let grant = AccessGrant::clone(&grant.0);
        Self(Arc::new(tokens::Caller::without_token(grant)))
    }

    #[getter]
    fn principal(&self) -> &str {
        self.0.principal()
    }

    #[getter]
    fn grant(&self) -> Grant {
        Grant(Arc::clone(self.0.grant()))
    }
}

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

    fn identify(&self, token: &str) -> Option<Caller> {
        let caller = self.0.identify(token.as_bytes())?;
        Some(Caller(Arc::clone(caller)))
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

    fn identify(&self, metadata: &Bound<'_, PyAny>) -> PyResult<Caller> {
        let values = authorization(metadata)?;
        let values = values.iter().map(|value| value.as_bytes());
        let caller = self.0.identify(values).map_err(Refused::from)?;
        Ok(Caller(caller))
    }

    fn admit(&self, caller: &Caller) -> Result<(), Refused> {
        Ok(self.0.admit(&caller.0, Instant::now())?)
    }

    #[pyo3(signature = (caller, shedder, *, queued))]
    fn arrive(
        &self,
        caller: &Caller,
        shedder: &LoadShedder,
        queued: bool,
    ) -> Result<Permit, Refused> {
        let permit = self
            .0
            .arrive(&caller.0, &shedder.0, queued, Instant::now())?;
        Ok(self.permit(permit))
    }

    fn begin_stream(&self, caller: &Caller) -> Result<Permit, Refused> {
        let permit = self.0.acquire(&caller.0, Work::Streaming)?;
        Ok(self.permit(permit))
    }

    fn check_reply(&self, reply_bytes: u64) -> Result<(), Refused> {
        Ok(self.0.check_reply(reply_bytes)?)
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

impl Admission {
    fn permit(&self, permit: ee_access::concurrency::Permit) -> Permit {
        Permit {
            admission: Arc::clone(&self.0),
            held: Mutex::new(Some(permit)),
        }
    }
}

/// The values of a call's `authorization` metadata. Bytes stand for an empty text, which is not a
/// token.
fn authorization(metadata: &Bound<'_, PyAny>) -> PyResult<Vec<PyBackedStr>> {
    let mut values = Vec::new();
    for entry in metadata.try_iter()? {
        let entry = entry?;
        let entry = entry.cast::<PyTuple>()?;
        let key = entry.get_item(0)?;
        if key.cast::<PyString>()?.to_str()? != AUTHORIZATION {
            continue;
        }
        let value = entry.get_item(1)?;
        let value = match value.cast_into::<PyString>() {
            Ok(value) => value,
            Err(_) => PyString::new(metadata.py(), ""),
        };
        values.push(value.try_into()?);
    }
    Ok(values)
}

/// Room for a call, until it is released.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Permit {
    admission: Arc<ee_access::Admission>,
    /// `None` once it is released.
    held: Mutex<Option<ee_access::concurrency::Permit>>,
}

#[pymethods]
impl Permit {
    fn execute(&self) -> Result<(), Refused> {
        if let Some(permit) = self.held.lock().as_mut() {
            self.admission.exchange(permit, Work::Unary)?;
        }
        Ok(())
    }

    fn reply(&self, reply_bytes: u64) -> Result<(), Refused> {
        self.admission.check_reply(reply_bytes)?;
        if let Some(permit) = self.held.lock().as_mut() {
            permit.exchange_for_reply(reply_bytes);
        }
        Ok(())
    }

    fn release(&self) {
        drop(self.held.lock().take());
    }
}

/// Selects the calls of one method to refuse under overload.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct LoadShedder(ee_access::load_shedding::LoadShedder);

#[pymethods]
impl LoadShedder {
    #[new]
    fn new() -> Self {
        Self(ee_access::load_shedding::LoadShedder::new())
    }
}

/// A rate with a burst.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct TokenBucket {
    rate: Rate,
    bucket: Mutex<ee_access::rate_limit::TokenBucket>,
}

#[pymethods]
impl TokenBucket {
    #[new]
    fn new(per_second: f64, burst: f64) -> PyResult<Self> {
        if !(per_second > 0.0 && per_second.is_finite() && burst.is_finite()) {
            let message = "a rate must be finite and more than 0, and its burst finite";
            return Err(PyValueError::new_err(message));
        }
        let rate = Rate::new(per_second, burst);
        let bucket = ee_access::rate_limit::TokenBucket::full(rate, Instant::now());
        Ok(Self {
            rate,
            bucket: Mutex::new(bucket),
        })
    }

    fn try_take(&self) -> bool {
        let mut bucket = self.bucket.lock();
        bucket.try_take(self.rate, Instant::now()).is_ok()
    }
}

/// How fast a client must send or take the messages of a stream.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct StreamPace(Mutex<ee_access::concurrency::StreamPace>);

#[pymethods]
impl StreamPace {
    #[new]
    fn new(bytes_per_second: f64, stall_seconds: f64) -> PyResult<Self> {
        let stall = seconds(stall_seconds)?;
        let pace = ee_access::concurrency::StreamPace::new(bytes_per_second, stall);
        Ok(Self(Mutex::new(pace)))
    }

    #[getter]
    fn allowance(&self) -> f64 {
        self.0.lock().allowance().as_secs_f64()
    }

    fn advance(&self, waited: f64, message_bytes: u64) -> PyResult<()> {
        self.0.lock().advance(seconds(waited)?, message_bytes);
        Ok(())
    }
}

fn seconds(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The refusals that a listener makes itself, as exceptions to raise.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Refusals;

#[pymethods]
impl Refusals {
    #[staticmethod]
    fn starting() -> PyErr {
        Refused::from(refusals::starting()).into()
    }

    #[staticmethod]
    fn no_request(method: &str) -> PyErr {
        Refused::from(refusals::no_request(method)).into()
    }

    #[staticmethod]
    fn overloaded(limit: &str, value: u64, retry_seconds: f64) -> PyResult<PyErr> {
        let status = refusals::overloaded(limit, value, seconds(retry_seconds)?);
        Ok(Refused::from(status).into())
    }

    #[staticmethod]
    fn audit_log_failed(cause: &str) -> PyErr {
        Refused::from(refusals::audit_log_failed(cause)).into()
    }

    #[staticmethod]
    fn internal(request_id: &str) -> PyErr {
        Refused::from(refusals::internal(request_id)).into()
    }
}
