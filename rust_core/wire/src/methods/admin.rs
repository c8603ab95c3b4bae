//! Verify and GetServiceInfo.

use std::collections::BTreeMap;

use ee_engine::Engine;

use crate::call::Room;
use crate::error::{self, Places};
use crate::fault::Result;
use crate::grant::{Grant, Pattern, Scope};
use crate::limits;
use crate::proto::v1::{
    GetServiceInfoRequest, GetServiceInfoResponse, VerifyRequest, VerifyResponse,
};

/// Version of the service.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether this is a release build; a debug build is many times slower.
pub const RELEASE_BUILD: bool = cfg!(not(debug_assertions));

/// Findings that Verify returns.
const FINDINGS: usize = 100;

pub(crate) fn verify(room: &Room<'_>, _: VerifyRequest) -> Result<VerifyResponse> {
    let report = room
        .engine
        .verify(&room.name)
        .map_err(|error| error::fault(Places::SINGLE, error))?;
    let mut findings = report.value.findings;
    findings.truncate(FINDINGS);
    Ok(VerifyResponse {
        category_count: report.value.categories,
        item_count: report.value.items,
        membership_count: report.value.memberships,
        digest: report.value.digest.to_vec(),
        findings,
        revision: report.revision,
    })
}

pub(crate) fn info(
    engine: &Engine,
    grant: &Grant,
    _: GetServiceInfoRequest,
) -> Result<GetServiceInfoResponse> {
    let info = engine
        .info()
        .map_err(|error| error::fault(Places::SINGLE, error))?;
    // How many namespaces there are tells of others' coming and going.
    let sees_all = grant.covered(Scope::Read, "") == [Pattern::Prefix(String::new())];
    let total = |count: u64| if sees_all { count } else { 0 };
    let named = |(name, limit): (&str, u64)| (name.to_owned(), limit);
    Ok(GetServiceInfoResponse {
        version: VERSION.to_owned(),
        kernel: info.kernel.to_owned(),
        sqlite_version: info.sqlite_version,
        release_build: RELEASE_BUILD,
        namespace_count: total(info.namespaces),
        memory_bytes: total(info.memory_bytes),
        limits: limits::all()
            .into_iter()
            .map(named)
            .collect::<BTreeMap<_, _>>(),
    })
}
