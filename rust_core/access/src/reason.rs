//! The reasons of refusals, generated from `errors.proto`, and the status code of each.

/// `effective_embeddings.v1`.
#[allow(missing_docs, clippy::all)]
mod v1 {
    include!(concat!(env!("OUT_DIR"), "/effective_embeddings.v1.rs"));
}

pub use v1::ErrorReason;

/// The gRPC status codes that the service uses, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    /// The request is invalid in every state of the service.
    InvalidArgument = 3,
    /// The deadline passed.
    DeadlineExceeded = 4,
    /// A resource that the request names does not exist.
    NotFound = 5,
    /// The resource to create exists already.
    AlreadyExists = 6,
    /// The caller's grant does not cover the call.
    PermissionDenied = 7,
    /// A quota is used up, or a limit is exceeded.
    ResourceExhausted = 8,
    /// The state of the service does not allow the call.
    FailedPrecondition = 9,
    /// The method does not exist.
    Unimplemented = 12,
    /// A defect of the service.
    Internal = 13,
    /// The service cannot answer at the moment.
    Unavailable = 14,
    /// Stored data is damaged.
    DataLoss = 15,
    /// The caller's identity is unknown.
    Unauthenticated = 16,
}

/// The status code of a reason: the table of `errors.proto`.
pub const fn code(reason: ErrorReason) -> Code {
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
        | R::MalformedRequest
        | R::DegenerateQuery
        | R::InvalidSnapshot => Code::InvalidArgument,
        R::ModelMismatch
        | R::SumOverflow
        | R::NamespaceNotEmpty
        | R::RequestIdReused
        | R::RevisionNotReached
        | R::EpochChanged
        | R::RevisionMismatch
        | R::CategoryMismatch
        | R::HistoryTrimmed
        | R::UndoConflict
        | R::ItemInCategory
        | R::NestedComposite
        | R::DegenerateComposite => Code::FailedPrecondition,
        R::NamespaceNotFound | R::CategoryNotFound | R::ItemNotFound => Code::NotFound,
        R::NamespaceExists | R::CategoryExists => Code::AlreadyExists,
        R::PermissionDenied => Code::PermissionDenied,
        R::DeadlineExceeded => Code::DeadlineExceeded,
        R::DataCorrupted => Code::DataLoss,
        R::StoreFailed
        | R::ReadFailed
        | R::DirectoryInUse
        | R::ShuttingDown
        | R::Starting
        | R::AuditLogFailed => Code::Unavailable,
        R::TooManyNamespaces
        | R::Overloaded
        | R::RateLimited
        | R::ReplyTooLarge
        | R::ReaderTooSlow => Code::ResourceExhausted,
        R::UnknownMethod => Code::Unimplemented,
        R::Unauthenticated => Code::Unauthenticated,
        R::Internal | R::Unspecified => Code::Internal,
    }
}

/// The name of a reason as clients see it: without the prefix that the proto style asks for.
pub fn name(reason: ErrorReason) -> &'static str {
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
