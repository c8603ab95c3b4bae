//! A case: a caller and a few calls.

use ee_wire::METHODS;

/// Largest number of calls of a case.
const CALLS: usize = 6;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The method's name.
    pub method: &'static str,
    /// The serialized request, or for Restore its messages; see [`Call::messages`].
    pub request: Vec<u8>,
}

impl Call {
    /// A call of a method, by name.
    pub fn new(method: &str, request: Vec<u8>) -> Self {
        let method = METHODS.iter().find(|entry| entry.name == method);
        Self {
            method: method.expect("a method of the service").name,
            request,
        }
    }

    /// A Restore of these messages.
    pub fn restore(messages: &[Vec<u8>]) -> Self {
        Self::new("Restore", join(messages.iter().map(Vec::as_slice)))
    }

    /// The messages of a stream.
    pub fn messages(&self) -> Vec<&[u8]> {
        split(&self.request, usize::MAX)
    }
}

/// The caller and its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The index of the caller's grant in the world, modulo their number.
    pub grant: u8,
    /// The calls.
    pub calls: Vec<Call>,
}

impl Case {
    /// A case of a caller with every permission.
    pub fn of(calls: Vec<Call>) -> Self {
        Self { grant: 0, calls }
    }

    /// The case that bytes stand for; any bytes stand for one.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let Some((&grant, rest)) = bytes.split_first() else {
            return Self::of(Vec::new());
        };
        let calls = split(rest, CALLS).into_iter().filter_map(|call| {
            let (&method, request) = call.split_first()?;
            Some(Call {
                method: METHODS[usize::from(method) % METHODS.len()].name,
                request: request.to_vec(),
            })
        });
        Self {
            grant,
            calls: calls.collect(),
        }
    }

    /// Bytes that stand for the case.
    pub fn to_bytes(&self) -> Vec<u8> {
        let calls: Vec<Vec<u8>> = self.calls.iter().map(call_bytes).collect();
        let mut bytes = vec![self.grant];
        bytes.extend(join(calls.iter().map(Vec::as_slice)));
        bytes
    }
}

fn call_bytes(call: &Call) -> Vec<u8> {
    let index = METHODS.iter().position(|entry| entry.name == call.method);
    let mut bytes = vec![index.expect("a method of the service") as u8];
    bytes.extend(&call.request);
    bytes
}

/// Joins parts, each after its length.
fn join<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        bytes.extend(length.to_le_bytes());
        bytes.extend(&part[..usize::from(length)]);
    }
    bytes
}

/// Splits joined parts; the last one may be truncated.
fn split(mut bytes: &[u8], most: usize) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let (Some((length, rest)), true) = (bytes.split_first_chunk(), parts.len() < most) {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (part, rest) = rest.split_at(length);
        parts.push(part);
        bytes = rest;
    }
    parts
}
