//! Which status code goes with which reason: the table of `errors.proto`.

use crate::proto::v1::ErrorReason;
use crate::status::Code;

/// The status code of a reason.
pub(crate) fn code(reason: ErrorReason) -> Code {
    use ErrorReason as R;
    match reason {
        R::MalformedRequest
        | R::RequiredField
        | R::InvalidKey
        | R::DimensionMismatch
        | R::InvalidVector
        | R::InvalidWeight
        | R::OutOfRange
        | R::ContradictoryBatch
        | R::TooLarge
        | R::InvalidPageToken
        | R::QueryWithoutDirection
        | R::InvalidSnapshot => Code::InvalidArgument,
        R::ModelMismatch
        | R::SumOverflow
        | R::NamespaceNotEmpty
        | R::RequestIdReused
        | R::RevisionNotReached => Code::FailedPrecondition,
        R::NamespaceNotFound | R::CategoryNotFound | R::ItemNotFound => Code::NotFound,
        R::NamespaceExists => Code::AlreadyExists,
        R::PermissionDenied => Code::PermissionDenied,
        R::DeadlineExceeded => Code::DeadlineExceeded,
        R::DataCorrupted => Code::DataLoss,
        R::StoreFailed | R::ReadFailed | R::ShuttingDown | R::Starting | R::DirectoryInUse => {
            Code::Unavailable
        }
        R::Unauthenticated => Code::Unauthenticated,
        R::Overloaded | R::RateLimited | R::ReplyTooLarge | R::TooManyNamespaces => {
            Code::ResourceExhausted
        }
        R::UnknownMethod => Code::Unimplemented,
        R::Unspecified | R::Internal => Code::Internal,
    }
}

/// The name of a reason as clients see it: without the prefix that the proto style asks for.
pub(crate) fn name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// `InvalidArgument` as `INVALID_ARGUMENT`.
    fn proto_name(code: Code) -> String {
        let mut name = String::new();
        for c in format!("{code:?}").chars() {
            if c.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(c.to_ascii_uppercase());
        }
        name
    }

    #[test]
    fn the_table_is_the_contracts() {
        let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
        let files = protox::compile(["effective_embeddings/v1/errors.proto"], [protos]).unwrap();
        let file = &files.file[0];
        let locations = &file.source_code_info.as_ref().unwrap().location;
        for (index, value) in file.enum_type[0].value.iter().enumerate().skip(1) {
            let reason = ErrorReason::try_from(value.number()).unwrap();
            let comment = locations
                .iter()
                .find(|location| location.path == [5, 0, 2, index as i32])
                .map(|location| location.leading_comments().trim())
                .unwrap();
            let documented = comment.split_once('.').unwrap().0;
            assert_eq!(documented, proto_name(code(reason)), "{}", name(reason));
        }
    }
}
