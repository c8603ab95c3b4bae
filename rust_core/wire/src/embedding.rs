//! The message `Embedding`, decoded and encoded by hand: in one pass between bytes and floats, without a
//! copy in between.

use bytes::{Buf, BufMut};
use prost::encoding::{
    DecodeContext, WireType, decode_varint, encode_key, encode_varint, encoded_len_varint, float,
    key_len, skip_field,
};
use prost::{DecodeError, Message};

const DATA: u32 = 1;
const VALUES: u32 = 2;
const WIDTH: usize = size_of::<f32>();

/// A vector, in one of its two forms on the wire; see the contract.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedding {
    /// The components of the field `data`; empty if its length is not a multiple of 4.
    pub data: Vec<f32>,
    /// Length of the field `data`, in bytes.
    pub data_bytes: usize,
    /// The field `values`.
    pub values: Vec<f32>,
}

impl Embedding {
    /// An embedding of these components, in the form that is decoded fastest: `data`.
    pub fn of(components: Vec<f32>) -> Self {
        Self {
            data_bytes: components.len() * WIDTH,
            data: components,
            values: Vec::new(),
        }
    }

    fn merge_data(&mut self, buf: &mut impl Buf) -> Result<(), DecodeError> {
        let length = usize::try_from(decode_varint(buf)?).unwrap_or(usize::MAX);
        if length > buf.remaining() {
            return cut_short();
        }
        self.data.clear();
        self.data_bytes = length;
        if length % WIDTH != 0 {
            buf.advance(length);
        } else if buf.chunk().len() >= length {
            let bytes = &buf.chunk()[..length];
            self.data.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|bytes| f32::from_le_bytes(*bytes)),
            );
            buf.advance(length);
        } else {
            self.data
                .extend((0..length / WIDTH).map(|_| buf.get_f32_le()));
        }
        Ok(())
    }

    fn data_len(&self) -> usize {
        let length = self.data.len() * WIDTH;
        if length == 0 {
            0
        } else {
            key_len(DATA) + encoded_len_varint(length as u64) + length
        }
    }
}

impl Message for Embedding {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        if !self.data.is_empty() {
            encode_key(DATA, WireType::LengthDelimited, buf);
            encode_varint((self.data.len() * WIDTH) as u64, buf);
            // In blocks: one check of the buffer's capacity for many floats.
            let mut block = [0; 64 * WIDTH];
            for components in self.data.chunks(64) {
                for (bytes, component) in block.as_chunks_mut().0.iter_mut().zip(components) {
                    *bytes = component.to_le_bytes();
                }
                buf.put_slice(&block[..components.len() * WIDTH]);
            }
        }
        float::encode_packed(VALUES, &self.values, buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match (tag, wire_type) {
            (DATA, WireType::LengthDelimited) => self.merge_data(buf),
            // A wrong wire type: with the error of prost's generated code.
            (DATA, _) => prost::encoding::bytes::merge(wire_type, &mut Vec::new(), buf, ctx),
            (VALUES, _) => float::merge_repeated(wire_type, &mut self.values, buf, ctx),
            _ => skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        self.data_len() + float::encoded_len_packed(VALUES, &self.values)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// prost's error for a field that exceeds the buffer, which has no public constructor.
#[cold]
fn cut_short() -> Result<(), DecodeError> {
    let nothing: &[u8] = &[];
    skip_field(
        WireType::SixtyFourBit,
        DATA,
        &mut &*nothing,
        DecodeContext::default(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The decoding and encoding that prost generates for the message.
    #[derive(Clone, PartialEq, Message)]
    struct Generated {
        #[prost(bytes = "vec", tag = "1")]
        data: Vec<u8>,
        #[prost(float, repeated, tag = "2")]
        values: Vec<f32>,
    }

    fn bits(components: &[f32]) -> Vec<u32> {
        components.iter().map(|x| x.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn reads_what_the_generated_message_writes(
            data in prop::collection::vec(any::<u8>(), 0..600),
            values in prop::collection::vec(any::<f32>(), 0..80),
            cut in 0usize..600,
        ) {
            let bytes = Generated { data: data.clone(), values: values.clone() }.encode_to_vec();
            let read = Embedding::decode(bytes.as_slice()).unwrap();
            prop_assert_eq!(read.data_bytes, data.len());
            prop_assert_eq!(bits(&read.values), bits(&values));
            if data.len() % WIDTH == 0 {
                let expected: Vec<u32> = data
                    .chunks(WIDTH)
                    .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
                    .collect();
                prop_assert_eq!(bits(&read.data), expected);
                prop_assert_eq!(read.encoded_len(), bytes.len());
                prop_assert_eq!(&read.encode_to_vec(), &bytes);
            }
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            let split = Embedding::decode(head.chain(tail)).unwrap();
            prop_assert_eq!(bits(&split.data), bits(&read.data));
        }

        #[test]
        fn accepts_what_the_generated_message_accepts(
            bytes in prop::collection::vec(any::<u8>(), 0..40)
        ) {
            let ours = Embedding::decode(bytes.as_slice());
            let theirs = Generated::decode(bytes.as_slice());
            prop_assert_eq!(ours.is_ok(), theirs.is_ok());
        }
    }
}
