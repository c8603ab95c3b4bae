//! The status codes of gRPC, by number.

/// A status code of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GrpcCode(usize);

const NAMES: [&str; GrpcCode::COUNT] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl GrpcCode {
    /// The number of codes.
    pub(crate) const COUNT: usize = 17;
    pub(crate) const OK: Self = Self(0);
    pub(crate) const CANCELLED: Self = Self(1);
    pub(crate) const DEADLINE_EXCEEDED: Self = Self(4);
    pub(crate) const NOT_FOUND: Self = Self(5);
    pub(crate) const PERMISSION_DENIED: Self = Self(7);
    pub(crate) const RESOURCE_EXHAUSTED: Self = Self(8);
    pub(crate) const UNIMPLEMENTED: Self = Self(12);
    pub(crate) const INTERNAL: Self = Self(13);
    pub(crate) const UNAUTHENTICATED: Self = Self(16);

    /// The code's number.
    pub(crate) const fn number(self) -> usize {
        self.0
    }

    /// The code's name.
    pub(crate) fn name(self) -> &'static str {
        NAMES[self.0]
    }

    /// The codes with their names, in the order of the numbers.
    pub(crate) fn all() -> impl Iterator<Item = (Self, &'static str)> {
        NAMES
            .iter()
            .enumerate()
            .map(|(code, &name)| (Self(code), name))
    }
}

impl From<ee_access::Code> for GrpcCode {
    fn from(code: ee_access::Code) -> Self {
        Self(code as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_refusals_have_the_names_of_grpc() {
        for (code, name) in [
            (ee_access::Code::InvalidArgument, "INVALID_ARGUMENT"),
            (ee_access::Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
            (ee_access::Code::Unauthenticated, "UNAUTHENTICATED"),
        ] {
            assert_eq!(GrpcCode::from(code).name(), name);
        }
    }
}
