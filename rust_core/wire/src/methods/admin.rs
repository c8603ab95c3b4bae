//! Verify and GetServiceInfo.

use std::collections::BTreeMap;

use ee_access::grant::{Grant, Pattern, Scope};
use ee_engine::Engine;

use crate::call::{Call, Room, denied};
use crate::decode::number;
use crate::decode::path::Path;
use crate::error::{self, Places};
use crate::fault::Result;
use crate::limits;
use crate::proto::v1::{
    GetServiceInfoRequest, GetServiceInfoResponse, VerifyRequest, VerifyResponse,
};
use crate::table::VERIFY;

/// Version of the service.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether this is a release build; a debug build is many times slower.
pub const RELEASE_BUILD: bool = cfg!(not(debug_assertions));

/// Findings that Verify returns.
const FINDINGS: usize = 100;

/// Verifies a namespace, or the files below all of them.
pub(crate) fn verify_any(call: &Call<'_>, request: &[u8]) -> Result<Vec<u8>> {
    let asked: VerifyRequest = call.decode(request)?;
    if asked.files {
        call.service(request, |engine, grant, asked| {
            verify_files(engine, grant, &asked)
        })
    } else {
        call.read(request, verify)
    }
}

fn verify_files(engine: &Engine, grant: &Grant, asked: &VerifyRequest) -> Result<VerifyResponse> {
    if !sees_all(grant) {
        return Err(denied(&VERIFY));
    }
    if !asked.namespace.is_empty() {
        let path = Path::field("namespace");
        return Err(number::out_of_range(path, "empty with files", "set"));
    }
    let report = engine
        .check_files()
        .map_err(|error| error::fault(Places::SINGLE, error))?;
    let mut findings = report.findings;
    findings.truncate(FINDINGS);
    Ok(VerifyResponse {
        page_count: report.pages,
        findings,
        ..VerifyResponse::default()
    })
}

/// Whether the caller may read every namespace.
fn sees_all(grant: &Grant) -> bool {
    grant.covered(Scope::Read, "") == [Pattern::Prefix(String::new())]
}

fn verify(room: &Room<'_>, _: VerifyRequest) -> Result<VerifyResponse> {
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
        page_count: 0,
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
    let sees_all = sees_all(grant);
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
