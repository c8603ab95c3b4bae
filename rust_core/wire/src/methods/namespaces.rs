//! Namespaces: create, get, list, update and delete.

use ee_access::grant::{Pattern, Scope};
use ee_core::command::{Command, ProfileUpdate};
use ee_engine::{ListedNamespace, NamespaceView, UnreadableNamespace};

use super::{Outcome, outcome};
use crate::call::{Call, NamespaceCall, WriteParams, check_model};
use crate::call_error::{CallError, Result, Violations};
use crate::decode::path::Path;
use crate::decode::{self, number, text};
use crate::encode::namespace::namespace as encode;
use crate::engine_error::FieldPaths;
use crate::limits::{DESCRIPTION_BYTES, NAMESPACE_NAME_BYTES};
use crate::page_token::Binding;
use crate::planned_write::PlannedWrite;
use crate::proto::v1::{
    CreateNamespaceRequest, CreateNamespaceResponse, DamagedNamespace, DeleteNamespaceRequest,
    DeleteNamespaceResponse, GetNamespaceRequest, GetNamespaceResponse, HistorySize,
    ListNamespacesRequest, ListNamespacesResponse, UpdateNamespaceRequest, UpdateNamespaceResponse,
};

pub(crate) fn create(
    call: &Call<'_>,
    _: String,
    request: CreateNamespaceRequest,
    mut params: WriteParams,
) -> Result<CreateNamespaceResponse> {
    let path = Path::field("namespace");
    let namespace = request.namespace;
    let namespace = namespace.ok_or_else(|| decode::required(path, "is not set"));
    let new = namespace.and_then(|namespace| decode::namespace::new_namespace(path, namespace));
    let new = params.violations.finish(new)?;
    check_model(&new.settings.embedding_model, &params.model)?;
    let view = call.engine().create_namespace(new, params.context)?;
    Ok(CreateNamespaceResponse {
        namespace: Some(encode(view)),
    })
}

pub(crate) fn get(
    call: &NamespaceCall<'_>,
    request: GetNamespaceRequest,
) -> Result<GetNamespaceResponse> {
    let context = call.read_context(request.min_revision, request.epoch)?;
    let namespace = encode(call.engine.namespace(&call.namespace, context)?);
    let history = call.engine.history_size(&call.namespace, context)?.value;
    Ok(GetNamespaceResponse {
        namespace: Some(namespace),
        epoch: call.epoch(),
        history: Some(HistorySize {
            first_revision: history.first_revision,
            revision_count: history.revisions,
            byte_count: history.bytes,
        }),
    })
}

pub(crate) fn list(
    call: &Call<'_>,
    request: ListNamespacesRequest,
) -> Result<ListNamespacesResponse> {
    let prefix = request.prefix;
    let mut violations = Violations::default();
    violations.check(text::text(
        Path::field("prefix"),
        &prefix,
        NAMESPACE_NAME_BYTES,
    ));
    let size = violations.check(number::page_size(request.page_size));
    let binding = Binding(["ListNamespaces", "", &prefix]);
    let after = violations.finish(binding.key(&request.page_token))?;
    let mut found = covered(call, &prefix, after.as_deref(), size + 1)?;
    let more = found.len() > size;
    found.truncate(size);
    Ok(ListNamespacesResponse {
        next_page_token: match found.last() {
            Some(last) if more => binding.token(name(last).as_bytes()),
            _ => String::new(),
        },
        damaged: found
            .iter()
            .filter_map(|listed| listed.as_ref().err())
            .map(damaged)
            .collect(),
        namespaces: found.into_iter().flatten().map(encode).collect(),
    })
}

fn name(listed: &ListedNamespace) -> &str {
    match listed {
        Ok(view) => &view.name,
        Err(damaged) => &damaged.name,
    }
}

fn damaged(namespace: &UnreadableNamespace) -> DamagedNamespace {
    let error = CallError::from(namespace.error.clone());
    DamagedNamespace {
        name: namespace.name.clone(),
        reason: error.reason().into(),
        message: namespace.error.to_string(),
    }
}

/// Up to `limit` namespaces after a name, among those that the grant covers; no other is read.
fn covered(
    call: &Call<'_>,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<ListedNamespace>> {
    let list = |prefix: &str, limit| call.engine().list_namespaces(prefix, after, limit);
    let mut found = Vec::new();
    for pattern in call.grant.covered(Scope::Read, prefix) {
        if found.len() >= limit {
            break;
        }
        match pattern {
            Pattern::Prefix(prefix) => found.extend(list(&prefix, limit - found.len())?),
            Pattern::Exact(own) if after.is_none_or(|after| after < own.as_str()) => {
                // A name sorts before the longer names that begin with it.
                found.extend(
                    list(&own, 1)?
                        .into_iter()
                        .filter(|listed| name(listed) == own),
                );
            }
            Pattern::Exact(_) => {}
        }
    }
    Ok(found)
}

pub(crate) fn update(
    call: NamespaceCall<'_>,
    request: UpdateNamespaceRequest,
    mut params: WriteParams,
) -> Result<PlannedWrite> {
    if let Some(description) = &request.description {
        let description = text::text(Path::field("description"), description, DESCRIPTION_BYTES);
        params.violations.check(description);
    }
    let labels = text::metadata(Path::field("labels"), &request.labels);
    params.violations.check(labels);
    let ranking = decode::namespace::ranking(Path::field("ranking"), request.ranking);
    let ranking = params.violations.check(ranking);
    let fairness = decode::namespace::fairness(Path::field("fairness"), request.fairness);
    let keep = Path::field("history_keep");
    let keep = decode::namespace::history_keep(keep, request.history_keep);
    let update = ProfileUpdate {
        description: request.description,
        labels: request.replace_labels.then_some(request.labels),
        ranking,
        fairness: params.violations.check(fairness),
        history_keep: params.violations.finish(keep)?,
    };
    let command = Command::UpdateProfile(update);
    let namespace = call.namespace.clone();
    call.plan(FieldPaths::SINGLE, command, params, move |written| {
        let revision = written.revision;
        let (profile, header) = outcome!(
            written,
            Outcome::UpdateProfile { profile, header } => (profile, header)
        );
        let settings = namespace.settings();
        let mut view = NamespaceView::new(namespace.name(), settings, &profile, &header);
        view.revision = revision;
        Ok(UpdateNamespaceResponse {
            namespace: Some(encode(view)),
        })
    })
}

pub(crate) fn delete(
    call: &Call<'_>,
    name: String,
    request: DeleteNamespaceRequest,
    mut params: WriteParams,
) -> Result<DeleteNamespaceResponse> {
    params.violations.finish(Ok(()))?;
    if !params.model.is_empty() {
        let namespace = call.enter(&name)?;
        check_model(&namespace.settings().embedding_model, &params.model)?;
    }
    let view = call
        .engine()
        .delete_namespace(&name, request.force, params.context)?;
    Ok(DeleteNamespaceResponse {
        namespace: Some(encode(view)),
    })
}
