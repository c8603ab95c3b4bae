//! Mutations that keep requests almost valid: of fields, and sometimes of bytes.

use ee_wire::proto::v1::RestoreRequest;
use fastrand::Rng;
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use crate::case::{Call, Case};

/// Boundary values of integers.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    3,
    255,
    1_000,
    1_001,
    10_000,
    16_384,
    1 << 31,
    u32::MAX as u64,
    1 << 40,
    i64::MAX as u64,
    u64::MAX,
];

/// Boundary values of floats.
const FLOATS: [f32; 12] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    -0.0,
    1.0,
    -1.0,
    1e-45,
    1e-9,
    32_768.0,
    -32_768.0,
    1_048_576.0,
    3e38,
];

/// Names that exist in the world, and invalid ones.
const WORDS: [&str; 13] = [
    "alice",
    "bob",
    "health",
    "work",
    "run",
    "swim",
    "ghost",
    "",
    "a",
    "model-a",
    "*",
    "\u{0}",
    "кот\u{301}🐈",
];

/// Mutates a serialized case in its buffer, for libFuzzer: the case is the first `size` of `bytes`, and
/// may grow to `most`. Returns the new size, or `None` one time in eight: libFuzzer then mutates bytes.
pub fn mutate_buffer(bytes: &mut [u8], size: usize, most: usize, seed: u32) -> Option<usize> {
    let mut random = Rng::with_seed(seed.into());
    if random.u8(..8) == 0 {
        return None;
    }
    let mut case = Case::from_bytes(&bytes[..size]);
    for _ in 0..random.u8(1..4) {
        mutate_case(&mut random, &mut case);
    }
    let changed = case.to_bytes();
    let size = changed.len().min(most);
    bytes[..size].copy_from_slice(&changed[..size]);
    Some(size)
}

/// Mutates a case.
pub fn mutate_case(random: &mut Rng, case: &mut Case) {
    match random.u8(..16) {
        0 => case.grant = random.u8(..),
        1 if case.calls.len() > 1 => {
            case.calls.remove(random.usize(..case.calls.len()));
        }
        2 if !case.calls.is_empty() => {
            let call = case.calls[random.usize(..case.calls.len())].clone();
            case.calls.insert(random.usize(..=case.calls.len()), call);
        }
        3 if !case.calls.is_empty() => {
            // The same bytes as the request of another method.
            let method = &ee_wire::METHODS[random.usize(..ee_wire::METHODS.len())];
            let index = random.usize(..case.calls.len());
            case.calls[index].method = method.name;
        }
        _ if !case.calls.is_empty() => {
            let index = random.usize(..case.calls.len());
            mutate_call(random, &mut case.calls[index]);
        }
        _ => {}
    }
}

fn mutate_call(random: &mut Rng, call: &mut Call) {
    if call.method != "Restore" {
        call.request = mutate_message(random, &call.request);
        return;
    }
    let mut messages: Vec<Vec<u8>> = call.messages().into_iter().map(<[u8]>::to_vec).collect();
    if !messages.is_empty() {
        let index = random.usize(..messages.len());
        match random.u8(..8) {
            0 => drop(messages.remove(index)),
            1 => messages.insert(index, messages[index].clone()),
            2 => {
                let other = random.usize(..messages.len());
                messages.swap(index, other);
            }
            _ => messages[index] = mutate_message(random, &messages[index]),
        }
    }
    // Otherwise most mutations would fail at a checksum.
    if random.u8(..4) > 0 {
        seal(&mut messages);
    }
    *call = Call::restore(&messages);
}

/// Recomputes the checksums of the frames of a Restore.
fn seal(messages: &mut [Vec<u8>]) {
    let mut last = 0;
    for message in messages {
        let Ok(mut request) = RestoreRequest::decode(message.as_slice()) else {
            continue;
        };
        if let Some(frame) = &mut request.frame {
            last = ee_wire::frame_checksum(frame, last);
            frame.checksum = last;
            *message = request.encode_to_vec();
        }
    }
}

/// A field of a message, and its content if it has a length.
struct Field<'a> {
    tag: u32,
    wire: WireType,
    whole: &'a [u8],
    inner: &'a [u8],
}

/// Mutates a field of a message or of a message in it.
pub fn mutate_message(random: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let Some(fields) = fields(bytes).filter(|fields| !fields.is_empty()) else {
        return mutate_bytes(random, bytes);
    };
    if random.u8(..24) == 0 {
        return mutate_bytes(random, bytes);
    }
    let mut parts: Vec<Vec<u8>> = fields.iter().map(|field| field.whole.to_vec()).collect();
    let index = random.usize(..fields.len());
    match random.u8(..12) {
        0 => drop(parts.remove(index)),
        1 => parts.insert(index, parts[index].clone()),
        2 => {
            let other = random.usize(..parts.len());
            parts.swap(index, other);
        }
        3 => parts.push(any_field(random)),
        _ => parts[index] = mutate_field(random, &fields[index]),
    }
    parts.concat()
}

fn mutate_field(random: &mut Rng, field: &Field<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    match field.wire {
        WireType::LengthDelimited => {
            let is_message = fields(field.inner).is_some_and(|inner| !inner.is_empty());
            let inner = if is_message && random.u8(..8) > 0 {
                mutate_message(random, field.inner)
            } else if random.bool() {
                any_bytes(random)
            } else {
                mutate_bytes(random, field.inner)
            };
            put_bytes(&mut bytes, field.tag, &inner);
        }
        _ => bytes = field_of(random, field.tag, field.wire),
    }
    bytes
}

fn any_field(random: &mut Rng) -> Vec<u8> {
    let wire = [
        WireType::Varint,
        WireType::SixtyFourBit,
        WireType::LengthDelimited,
        WireType::ThirtyTwoBit,
    ];
    let wire = wire[random.usize(..wire.len())];
    let tag = random.u32(1..17);
    field_of(random, tag, wire)
}

fn field_of(random: &mut Rng, tag: u32, wire: WireType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let float = FLOATS[random.usize(..FLOATS.len())];
    match wire {
        WireType::Varint => {
            encode_key(tag, wire, &mut bytes);
            encode_varint(NUMBERS[random.usize(..NUMBERS.len())], &mut bytes);
        }
        WireType::SixtyFourBit => {
            encode_key(tag, wire, &mut bytes);
            bytes.extend(f64::from(float).to_le_bytes());
        }
        WireType::ThirtyTwoBit => {
            encode_key(tag, wire, &mut bytes);
            bytes.extend(float.to_le_bytes());
        }
        _ => put_bytes(&mut bytes, tag, &any_bytes(random)),
    }
    bytes
}

/// A text, a vector, or a message of one field.
fn any_bytes(random: &mut Rng) -> Vec<u8> {
    match random.u8(..8) {
        0 => vec![b'k'; [128, 129, 512, 513, 1025][random.usize(..5)]],
        1..=4 => WORDS[random.usize(..WORDS.len())].as_bytes().to_vec(),
        5 => {
            let mut inner = Vec::new();
            let word = WORDS[random.usize(..WORDS.len())];
            put_bytes(&mut inner, random.u32(1..4), word.as_bytes());
            inner
        }
        _ => {
            let floats = (0..random.usize(..4)).map(|_| FLOATS[random.usize(..FLOATS.len())]);
            floats.flat_map(f32::to_le_bytes).collect()
        }
    }
}

fn put_bytes(bytes: &mut Vec<u8>, tag: u32, inner: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, bytes);
    encode_varint(inner.len() as u64, bytes);
    bytes.extend(inner);
}

/// Mutates bytes without regard to what they stand for.
pub fn mutate_bytes(random: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let index = random.usize(..=bytes.len());
    match random.u8(..4) {
        0 => bytes.truncate(index),
        1 => bytes.insert(index, random.u8(..)),
        2 if index < bytes.len() => drop(bytes.remove(index)),
        _ if index < bytes.len() => bytes[index] ^= 1 << random.u8(..8),
        _ => {}
    }
    bytes
}

/// The fields of a message; `None` if the bytes are malformed.
fn fields(bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let start = rest;
        let (tag, wire) = decode_key(&mut rest).ok()?;
        let length = match wire {
            WireType::Varint => {
                decode_varint(&mut rest).ok()?;
                0
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => usize::try_from(decode_varint(&mut rest).ok()?).ok()?,
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        let (inner, after) = rest.split_at_checked(length)?;
        rest = after;
        fields.push(Field {
            tag,
            wire,
            whole: &start[..start.len() - rest.len()],
            inner,
        });
    }
    Some(fields)
}
