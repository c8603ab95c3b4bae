//! Verify, VerifyStorage and GetServiceInfo.

use crate::call::{Call, NamespaceCall};
use crate::call_error::{CallError, Result};
use crate::proto::v1::{
    ErrorReason, GetServiceInfoRequest, GetServiceInfoResponse, VerifyRequest, VerifyResponse,
    VerifyStorageRequest, VerifyStorageResponse,
};

/// Version of the service.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether this is a release build; a debug build is many times slower.
pub const RELEASE_BUILD: bool = cfg!(not(debug_assertions));

/// The largest number of findings in a reply.
const FINDINGS: usize = 100;

pub(crate) fn verify(call: &NamespaceCall<'_>, _: VerifyRequest) -> Result<VerifyResponse> {
    let report = call.engine.verify(&call.namespace)?;
    Ok(VerifyResponse {
        category_count: report.value.categories,
        item_count: report.value.items,
        membership_count: report.value.memberships,
        digest: report.value.digest.to_vec(),
        findings: first(report.value.findings),
        revision: report.revision,
    })
}

/// Verifies the files below all namespaces, for callers that may read every namespace.
pub(crate) fn verify_storage(
    call: &Call<'_>,
    _: VerifyStorageRequest,
) -> Result<VerifyStorageResponse> {
    if !call.covers_everything() {
        return Err(call.denied());
    }
    let report = call.engine().check_files()?;
    Ok(VerifyStorageResponse {
        page_count: report.pages,
        findings: first(report.findings),
    })
}

fn first(mut findings: Vec<String>) -> Vec<String> {
    findings.truncate(FINDINGS);
    findings
}

pub(crate) fn info(call: &Call<'_>, _: GetServiceInfoRequest) -> Result<GetServiceInfoResponse> {
    let engine = call.engine();
    let info = engine.info()?;
    let write_refusal = match engine.may_write() {
        Ok(()) => ErrorReason::Unspecified,
        Err(error) => CallError::from(error).reason(),
    };
    // Totals would show when other tenants create and delete namespaces.
    let sees_all = call.covers_everything();
    let total = |count: u64| if sees_all { count } else { 0 };
    Ok(GetServiceInfoResponse {
        version: VERSION.to_owned(),
        kernel: info.kernel.to_owned(),
        sqlite_version: info.sqlite_version,
        release_build: RELEASE_BUILD,
        namespace_count: total(info.namespaces),
        memory_bytes: total(info.memory_bytes),
        limits: call.state.limits(),
        write_refusal: write_refusal.into(),
        member_count: total(info.members.members as u64),
        member_bytes: total(info.members.bytes as u64),
        history_entry_count: total(info.sizes.log_entries),
        history_byte_count: total(info.sizes.log_bytes),
        database_bytes: total(info.sizes.database_bytes),
        database_free_bytes: total(info.sizes.free_bytes),
    })
}
