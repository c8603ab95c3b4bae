//! Which status code goes with which reason: the table of `errors.proto`.

use ee_access::Code;
use ee_access::refusals::Reason;

use crate::proto::v1::ErrorReason;

/// The status code of a reason.
pub(crate) fn code(reason: ErrorReason) -> Code {
    use ErrorReason as R;
    match reason {
        R::RequiredField
        | R::InvalidKey
        | R::DimensionMismatch
        | R::InvalidVector
        | R::InvalidWeight
        | R::OutOfRange
        | R::ConflictingEntries
        | R::TooLarge
        | R::InvalidPageToken
        | R::DegenerateQuery
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
        R::StoreFailed | R::ReadFailed | R::DirectoryInUse => Code::Unavailable,
        R::TooManyNamespaces => Code::ResourceExhausted,
        R::UnknownMethod => Code::Unimplemented,
        R::Unspecified => Code::Internal,
        // A listener refuses with these too; their codes are stated there.
        R::MalformedRequest => Reason::MalformedRequest.code(),
        R::ShuttingDown => Reason::ShuttingDown.code(),
        R::Internal => Reason::Internal.code(),
        R::Unauthenticated => Reason::Unauthenticated.code(),
        R::Starting => Reason::Starting.code(),
        R::Overloaded => Reason::Overloaded.code(),
        R::RateLimited => Reason::RateLimited.code(),
        R::ReplyTooLarge => Reason::ReplyTooLarge.code(),
        R::AuditLogFailed => Reason::AuditLogFailed.code(),
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
    fn the_reasons_of_a_listener_are_the_contracts() {
        for reason in Reason::ALL {
            let full = format!("ERROR_REASON_{}", reason.name());
            let contract = ErrorReason::from_str_name(&full).unwrap();
            assert_eq!(name(contract), reason.name());
            assert_eq!(code(contract), reason.code(), "{full}");
        }
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
