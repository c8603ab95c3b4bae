//! The methods of the service: the one table that dispatch, scopes and handlers come from.

use ee_access::grant::Scope;

use crate::call::Call;
use crate::fault::Result;
use crate::methods::{admin, categories, items, matching, namespaces, verbs};

/// A method of the service.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// The rpc's name.
    pub name: &'static str,
    /// What a grant must allow.
    pub scope: Scope,
    pub(crate) run: Run,
}

/// How a method is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// One request, one reply.
    Unary(fn(&Call<'_>, &[u8]) -> Result<Vec<u8>>),
    /// Through [`Service::snapshot`](crate::Service::snapshot).
    Snapshot,
    /// Through [`Service::restore`](crate::Service::restore).
    Restore,
}

pub(crate) const SNAPSHOT: Method = method("Snapshot", Scope::Read, Run::Snapshot);
pub(crate) const RESTORE: Method = method("Restore", Scope::Admin, Run::Restore);
pub(crate) const MATCH: Method = unary("Match", Scope::Read, |c, r| c.read(r, matching::rank));

/// Every method, in the order of the contract.
pub const METHODS: &[Method] = {
    use Scope::{Admin, Read, Write};
    &[
        unary("CreateNamespace", Admin, |c, r| {
            c.write_catalog(r, namespaces::create)
        }),
        unary("GetNamespace", Read, |c, r| c.read(r, namespaces::get)),
        unary("ListNamespaces", Read, |c, r| {
            c.service(r, namespaces::list)
        }),
        unary("UpdateNamespace", Admin, |c, r| {
            c.write(r, namespaces::update)
        }),
        unary("DeleteNamespace", Admin, |c, r| {
            c.write_catalog(r, namespaces::delete)
        }),
        unary("PutCategories", Write, |c, r| c.write(r, categories::put)),
        unary("GetCategory", Read, |c, r| c.read(r, categories::get)),
        unary("ListCategories", Read, |c, r| c.read(r, categories::list)),
        unary("DeleteCategories", Write, |c, r| {
            c.write(r, categories::delete)
        }),
        unary("Reanchor", Write, |c, r| c.write(r, categories::reanchor)),
        unary("PutItems", Write, |c, r| c.write(r, items::put)),
        unary("GetItem", Read, |c, r| c.read(r, items::get)),
        unary("ListItems", Read, |c, r| c.read(r, items::list)),
        unary("DeleteItems", Write, |c, r| c.write(r, items::delete)),
        unary("Assign", Write, |c, r| c.write(r, verbs::assign)),
        unary("Unassign", Write, |c, r| c.write(r, verbs::unassign)),
        MATCH,
        SNAPSHOT,
        RESTORE,
        unary("Verify", Read, |c, r| c.read(r, admin::verify)),
        unary("VerifyStorage", Read, |c, r| {
            c.service(r, admin::verify_storage)
        }),
        unary("GetServiceInfo", Read, |c, r| c.service(r, admin::info)),
    ]
};

const fn unary(
    name: &'static str,
    scope: Scope,
    run: fn(&Call<'_>, &[u8]) -> Result<Vec<u8>>,
) -> Method {
    method(name, scope, Run::Unary(run))
}

const fn method(name: &'static str, scope: Scope, run: Run) -> Method {
    Method { name, scope, run }
}
