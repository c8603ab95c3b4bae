//! What requests for a page have in common: its size, the list's token, and the revision to read.

use ee_engine::ReadContext;
use prost::Message;
use xxhash_rust::xxh3::xxh3_64;

use crate::call::NamespaceCall;
use crate::call_error::{Result, Violations};
use crate::decode::number;
use crate::page_token::Binding;
use crate::proto::v1::{
    ListHistoryRequest, ReviewActorsRequest, ReviewCategoriesRequest, ReviewDuplicatesRequest,
    ReviewMembersRequest, SuggestRequest,
};

/// A request for a page of a list that its other fields describe.
pub(super) trait PageRequest: Message {
    /// Takes page_size, page_token, min_revision and epoch out of it. All that is left says which
    /// list it is.
    fn take_page(&mut self) -> PageFields;
}

/// The fields that say which page of the list, and at which revision.
pub(super) struct PageFields {
    page_size: u32,
    page_token: String,
    min_revision: u64,
    epoch: u64,
}

macro_rules! page_requests {
    ($($request:ident),*) => {
        $(impl PageRequest for $request {
            fn take_page(&mut self) -> PageFields {
                PageFields {
                    page_size: std::mem::take(&mut self.page_size),
                    page_token: std::mem::take(&mut self.page_token),
                    min_revision: std::mem::take(&mut self.min_revision),
                    epoch: std::mem::take(&mut self.epoch),
                }
            }
        })*
    };
}

page_requests!(
    ListHistoryRequest,
    ReviewActorsRequest,
    ReviewCategoriesRequest,
    ReviewDuplicatesRequest,
    ReviewMembersRequest,
    SuggestRequest
);

/// The page that a request asks for.
pub(super) struct Paging<'a> {
    call: &'a NamespaceCall<'a>,
    /// The most entries of the page.
    pub(super) size: usize,
    /// The cursor of the request's token; `None`: the first page.
    pub(super) cursor: Option<Vec<u8>>,
    /// A text that differs for each list of the method.
    list: String,
    min_revision: u64,
    epoch: u64,
}

impl<'a> Paging<'a> {
    /// The page that a request asks for; a token of another list is a violation.
    pub(super) fn of(
        call: &'a NamespaceCall<'a>,
        request: &mut impl PageRequest,
        violations: &mut Violations,
    ) -> Self {
        let fields = request.take_page();
        let mut paging = Self {
            call,
            size: violations.check(number::page_size(fields.page_size)),
            cursor: None,
            list: format!("{:016x}", xxh3_64(&request.encode_to_vec())),
            min_revision: fields.min_revision,
            epoch: fields.epoch,
        };
        paging.cursor = violations.check(paging.binding().cursor(&fields.page_token));
        paging
    }

    /// The cursor as `read` understands it.
    pub(super) fn after<T>(
        &self,
        violations: &mut Violations,
        read: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Option<T> {
        violations.check(self.cursor.as_deref().map(read).transpose())
    }

    /// The token of the page after a cursor.
    pub(super) fn token(&self, cursor: &[u8]) -> String {
        self.binding().token(cursor)
    }

    /// The context of the read.
    pub(super) fn context(&self) -> Result<ReadContext> {
        self.call.read_context(self.min_revision, self.epoch)
    }

    fn binding(&self) -> Binding<'_> {
        Binding([self.call.method, self.call.namespace.name(), &self.list])
    }
}
