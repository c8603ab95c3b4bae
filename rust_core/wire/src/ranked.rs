//! The message `CategoryMatch`, encoded by hand: a ranking shares its keys with the namespace, so a
//! key is copied once, into the reply.

use std::sync::Arc;

use bytes::{Buf, BufMut};
use prost::encoding::{
    DecodeContext, WireType, double, encode_key, encode_varint, encoded_len_varint, key_len,
    skip_field, string, uint64,
};
use prost::{DecodeError, Message};

const CATEGORY: u32 = 1;
const SCORE: u32 = 2;
const COUNT: u32 = 3;
const RANK_SCORE: u32 = 4;
const CONFIDENCE: u32 = 5;

/// One category in a ranking; see the contract.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryMatch {
    /// The category's key.
    pub category: Arc<str>,
    /// cos(query, effective embedding).
    pub score: f64,
    /// Number of members that count in it.
    pub count: u64,
    /// The number by which categories are ordered.
    pub rank_score: f64,
    /// The share of its members that fit it no better than the query.
    pub confidence: Option<f64>,
}

impl Default for CategoryMatch {
    fn default() -> Self {
        Self {
            category: Arc::from(""),
            score: 0.0,
            count: 0,
            rank_score: 0.0,
            confidence: None,
        }
    }
}

impl Message for CategoryMatch {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        if !self.category.is_empty() {
            encode_key(CATEGORY, WireType::LengthDelimited, buf);
            encode_varint(self.category.len() as u64, buf);
            buf.put_slice(self.category.as_bytes());
        }
        if self.score != 0.0 {
            double::encode(SCORE, &self.score, buf);
        }
        if self.count != 0 {
            uint64::encode(COUNT, &self.count, buf);
        }
        if self.rank_score != 0.0 {
            double::encode(RANK_SCORE, &self.rank_score, buf);
        }
        if let Some(confidence) = &self.confidence {
            double::encode(CONFIDENCE, confidence, buf);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            CATEGORY => {
                let mut category = String::new();
                string::merge(wire_type, &mut category, buf, ctx)?;
                self.category = Arc::from(category);
                Ok(())
            }
            SCORE => double::merge(wire_type, &mut self.score, buf, ctx),
            COUNT => uint64::merge(wire_type, &mut self.count, buf, ctx),
            RANK_SCORE => double::merge(wire_type, &mut self.rank_score, buf, ctx),
            CONFIDENCE => {
                let confidence = self.confidence.get_or_insert_default();
                double::merge(wire_type, confidence, buf, ctx)
            }
            _ => skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        let mut length = 0;
        if !self.category.is_empty() {
            let bytes = self.category.len();
            length += key_len(CATEGORY) + encoded_len_varint(bytes as u64) + bytes;
        }
        if self.score != 0.0 {
            length += double::encoded_len(SCORE, &self.score);
        }
        if self.count != 0 {
            length += uint64::encoded_len(COUNT, &self.count);
        }
        if self.rank_score != 0.0 {
            length += double::encoded_len(RANK_SCORE, &self.rank_score);
        }
        if let Some(confidence) = &self.confidence {
            length += double::encoded_len(CONFIDENCE, confidence);
        }
        length
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The decoding and encoding that prost generates for the message.
    #[derive(Clone, PartialEq, Message)]
    struct Generated {
        #[prost(string, tag = "1")]
        category: String,
        #[prost(double, tag = "2")]
        score: f64,
        #[prost(uint64, tag = "3")]
        count: u64,
        #[prost(double, tag = "4")]
        rank_score: f64,
        #[prost(double, optional, tag = "5")]
        confidence: Option<f64>,
    }

    proptest! {
        #[test]
        fn has_the_bytes_of_the_generated_message(
            category in "[a-zé]{0,200}",
            score in prop_oneof![Just(0.0), -1.0..1.0],
            count in prop_oneof![Just(0), any::<u64>()],
            rank_score in prop_oneof![Just(0.0), -2.0..2.0],
            confidence in prop::option::of(0.0..1.0),
        ) {
            let generated = Generated { category: category.clone(), score, count, rank_score, confidence };
            let bytes = generated.encode_to_vec();
            let ours = CategoryMatch { category: Arc::from(category), score, count, rank_score, confidence };
            prop_assert_eq!(ours.encoded_len(), bytes.len());
            prop_assert_eq!(&ours.encode_to_vec(), &bytes);
            prop_assert_eq!(CategoryMatch::decode(bytes.as_slice()).unwrap(), ours);
        }
    }
}
