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
        R::StoreFailed | R::ShuttingDown => Code::Unavailable,
        R::UnknownMethod => Code::Unimplemented,
        R::Unspecified | R::Internal => Code::Internal,
    }
}

/// The name of a reason as clients see it: without the prefix that the proto style asks for.
pub(crate) fn name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}
