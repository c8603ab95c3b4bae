//! The table of methods is the contract's.

#![allow(missing_docs)]

use ee_wire::METHODS;

fn protos() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")
}

#[test]
fn every_rpc_is_in_the_table_and_nothing_else() {
    let files = protox::compile(["effective_embeddings/v1/service.proto"], [protos()]).unwrap();
    let rpcs: Vec<String> = files
        .file
        .iter()
        .flat_map(|file| &file.service)
        .flat_map(|service| &service.method)
        .map(|method| method.name().to_owned())
        .collect();
    let table: Vec<_> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(table, rpcs);
}

#[test]
fn limits_have_names_of_their_own() {
    let mut names: Vec<_> = ee_wire::limits::all().into_iter().map(|(n, _)| n).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn every_request_with_a_revision_is_one_that_can_wait() {
    let files = protox::compile(["effective_embeddings/v1/service.proto"], [protos()]).unwrap();
    let messages = files.file.iter().flat_map(|file| &file.message_type);
    let mut found: Vec<(&str, [u32; 2])> = messages
        .filter_map(|message| {
            let method = message.name().strip_suffix("Request")?;
            let number = |name| {
                let field = message.field.iter().find(|field| field.name() == name)?;
                Some(u32::try_from(field.number()).unwrap())
            };
            Some((method, [number("min_revision")?, number("epoch")?]))
        })
        .collect();
    let mut known = ee_wire::MIN_REVISION_FIELDS.to_vec();
    found.sort_unstable();
    known.sort_unstable();
    assert_eq!(found, known);
}
