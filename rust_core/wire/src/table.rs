//! The table of the methods, with their scopes and handlers.

use ee_access::grant::Scope;
use ee_engine::Engine;

use crate::call::{Call, RequestedCall, ShortAnswer};
use crate::call_error::Result;
use crate::method::{Kind, Method};
use crate::methods::{
    admin, assignments, categories, explain, history, items, matching, namespaces, restore, review,
    short_match, snapshot, suggest, undo,
};
use crate::planned_write::PlannedWrite;
use crate::streams::{Replies, RequestSink};

/// How the short calls of a method are answered.
#[derive(Clone, Copy)]
pub(crate) struct Short {
    /// Whether a request is short, as far as its outline shows.
    pub(crate) is_short: fn(&Engine, &[u8]) -> bool,
    /// Answers requests without waiting, each on its own call; `None`: a call that may wait must answer it.
    pub(crate) try_calls: fn(&[RequestedCall<'_>]) -> Vec<ShortAnswer>,
}

/// A method and its handler.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) method: Method,
    pub(crate) handler: Handler,
}

/// How a method is answered.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// A serialized request in, a serialized reply out.
    Unary {
        call: fn(&Call<'_>, &[u8]) -> Result<Vec<u8>>,
        /// `None`: no call is short.
        short: Option<Short>,
    },
    /// A serialized request in, a command on a namespace out.
    Command {
        plan: fn(&Call<'_>, &[u8]) -> Result<PlannedWrite>,
        /// The command usually takes little more than its commit, unless the request is long.
        brief: bool,
    },
    /// A serialized request in, serialized replies out.
    ServerStream(fn(&Call<'_>, &[u8]) -> Result<Replies>),
    /// Serialized requests in, a serialized reply out.
    ClientStream(fn(&Call<'_>) -> Result<Box<dyn RequestSink>>),
}

/// Every method with its handler, in the order of the contract.
pub(crate) const TABLE: &[Entry] = {
    use Scope::{Admin, Read, Write};
    &[
        unary("CreateNamespace", Admin, |c, r| {
            c.write_catalog(r, namespaces::create)
        }),
        unary("GetNamespace", Read, |c, r| c.read(r, namespaces::get)),
        unary("ListNamespaces", Read, |c, r| {
            c.service(r, namespaces::list)
        }),
        command("UpdateNamespace", Admin, |c, r| {
            c.plan(r, namespaces::update)
        }),
        unary("DeleteNamespace", Admin, |c, r| {
            c.write_catalog(r, namespaces::delete)
        }),
        command("PutCategories", Write, |c, r| c.plan(r, categories::put)),
        unary("GetCategory", Read, |c, r| c.read(r, categories::get)),
        unary("ListCategories", Read, |c, r| c.read(r, categories::list)),
        command("DeleteCategories", Write, |c, r| {
            c.plan(r, categories::delete)
        }),
        command("Reanchor", Write, |c, r| c.plan(r, categories::reanchor)),
        command("RenameCategory", Write, |c, r| {
            c.plan(r, categories::rename)
        }),
        command("MergeCategories", Write, |c, r| {
            c.plan(r, categories::merge)
        }),
        command("PutItems", Write, |c, r| c.plan(r, items::put)),
        unary("GetItem", Read, |c, r| c.read(r, items::get)),
        unary("ListItems", Read, |c, r| c.read(r, items::list)),
        command("DeleteItems", Write, |c, r| c.plan(r, items::delete)),
        brief_command("Assign", Write, |c, r| c.plan(r, assignments::assign)),
        brief_command("Unassign", Write, |c, r| c.plan(r, assignments::unassign)),
        command("Dismiss", Write, |c, r| c.plan(r, assignments::dismiss)),
        short_unary(
            "Match",
            Read,
            |c, r| c.read(r, matching::rank),
            Short {
                is_short: short_match::is_short,
                try_calls: short_match::try_rank,
            },
        ),
        unary("Explain", Read, |c, r| c.read(r, explain::explain)),
        unary("ReviewMembers", Read, |c, r| {
            c.read(r, review::members::review)
        }),
        unary("EstimateReviewRate", Read, |c, r| {
            c.read(r, review::rate::estimate)
        }),
        unary("Suggest", Read, |c, r| c.read(r, suggest::suggest)),
        unary("ReviewDuplicates", Read, |c, r| {
            c.read(r, review::duplicates::review)
        }),
        unary("ReviewActors", Read, |c, r| {
            c.read(r, review::actors::review)
        }),
        unary("ReviewImpact", Read, |c, r| {
            c.read(r, review::impact::review)
        }),
        unary("ReviewCategories", Read, |c, r| {
            c.read(r, review::categories::review)
        }),
        unary("ListHistory", Read, |c, r| c.read(r, history::list)),
        server_stream("WatchHistory", Read, history::watch),
        unary("TrimHistory", Admin, |c, r| c.write(r, history::trim)),
        unary("Undo", Write, |c, r| c.write(r, undo::undo)),
        server_stream("Snapshot", Read, snapshot::open),
        client_stream("Restore", Admin, restore::begin),
        unary("Verify", Read, |c, r| c.read(r, admin::verify)),
        unary("VerifyStorage", Read, |c, r| {
            c.service(r, admin::verify_storage)
        }),
        unary("GetServiceInfo", Read, |c, r| c.service(r, admin::info)),
    ]
};

/// Every method, in the order of the contract.
pub const METHODS: &[Method] = &{
    let mut methods = [TABLE[0].method; TABLE.len()];
    let mut index = 0;
    while index < TABLE.len() {
        methods[index] = TABLE[index].method;
        index += 1;
    }
    methods
};

const fn entry(name: &'static str, scope: Scope, kind: Kind, handler: Handler) -> Entry {
    let short = matches!(handler, Handler::Unary { short: Some(_), .. });
    let method = Method {
        name,
        scope,
        kind,
        short,
    };
    Entry { method, handler }
}

const fn unary(
    name: &'static str,
    scope: Scope,
    call: fn(&Call<'_>, &[u8]) -> Result<Vec<u8>>,
) -> Entry {
    let short = None;
    entry(name, scope, Kind::Unary, Handler::Unary { call, short })
}

/// A unary method that executes a command on a namespace.
const fn command(
    name: &'static str,
    scope: Scope,
    plan: fn(&Call<'_>, &[u8]) -> Result<PlannedWrite>,
) -> Entry {
    let brief = false;
    entry(name, scope, Kind::Unary, Handler::Command { plan, brief })
}

/// A unary method that executes a brief command on a namespace.
const fn brief_command(
    name: &'static str,
    scope: Scope,
    plan: fn(&Call<'_>, &[u8]) -> Result<PlannedWrite>,
) -> Entry {
    let brief = true;
    entry(name, scope, Kind::Unary, Handler::Command { plan, brief })
}

/// A unary method some of whose calls are short.
const fn short_unary(
    name: &'static str,
    scope: Scope,
    call: fn(&Call<'_>, &[u8]) -> Result<Vec<u8>>,
    short: Short,
) -> Entry {
    let short = Some(short);
    entry(name, scope, Kind::Unary, Handler::Unary { call, short })
}

/// A method that answers one request with a stream of replies.
pub(crate) const fn server_stream(
    name: &'static str,
    scope: Scope,
    open: fn(&Call<'_>, &[u8]) -> Result<Replies>,
) -> Entry {
    let handler = Handler::ServerStream(open);
    entry(name, scope, Kind::ServerStream, handler)
}

/// A method that answers a stream of requests with one reply.
pub(crate) const fn client_stream(
    name: &'static str,
    scope: Scope,
    begin: fn(&Call<'_>) -> Result<Box<dyn RequestSink>>,
) -> Entry {
    let handler = Handler::ClientStream(begin);
    entry(name, scope, Kind::ClientStream, handler)
}
