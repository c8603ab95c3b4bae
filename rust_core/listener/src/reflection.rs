//! The standard reflection service, v1 and v1alpha, for grpcurl and its like.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto};

use crate::codes::GrpcCode;
use crate::open_services::{Bound, OpenCall, Room};

/// The full names of the reflection services, which have the same messages.
pub(crate) const NAMES: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];
/// Streams at the same time.
pub(crate) const MAX_STREAMS: u64 = 8;

/// The descriptors, by what clients ask for.
#[derive(Debug)]
pub(crate) struct Reflection {
    pub(crate) streams: Arc<Bound>,
    /// Each file with all the files that it depends on, serialized.
    files: HashMap<String, Vec<Vec<u8>>>,
    /// The file of each symbol: service, method, message, field, enum or value.
    symbols: HashMap<String, String>,
    services: BTreeSet<String>,
}

impl Reflection {
    /// Serves these serialized `FileDescriptorProto`s.
    pub(crate) fn new(files: &[Vec<u8>]) -> Result<Self, String> {
        let decoded: Vec<_> = files
            .iter()
            .map(|bytes| FileDescriptorProto::decode(bytes.as_slice()))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let by_name: HashMap<_, _> = decoded
            .iter()
            .zip(files)
            .map(|(file, bytes)| (file.name(), (file, bytes)))
            .collect();
        let mut symbols = HashMap::new();
        let mut services = BTreeSet::new();
        for file in &decoded {
            let mut add = |name: String| drop(symbols.insert(name, file.name().to_owned()));
            for service in &file.service {
                let name = format!("{}.{}", file.package(), service.name());
                service
                    .method
                    .iter()
                    .for_each(|each| add(format!("{name}.{}", each.name())));
                services.insert(name.clone());
                add(name);
            }
            file.message_type
                .iter()
                .for_each(|each| add_message(file.package(), each, &mut add));
            file.enum_type
                .iter()
                .for_each(|each| add(format!("{}.{}", file.package(), each.name())));
        }
        let with_imports = |file: &FileDescriptorProto| {
            let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
            let mut open = vec![file.name().to_owned()];
            while let Some(name) = open.pop() {
                if seen.insert(name.clone())
                    && let Some((file, bytes)) = by_name.get(name.as_str())
                {
                    all.push((*bytes).clone());
                    open.extend(file.dependency.iter().cloned());
                }
            }
            (file.name().to_owned(), all)
        };
        Ok(Self {
            streams: Bound::new("reflection_streams", MAX_STREAMS),
            files: decoded.iter().map(with_imports).collect(),
            symbols,
            services,
        })
    }

    /// Answers the questions of a stream.
    pub(crate) async fn answer(self: Arc<Self>, mut call: OpenCall, room: Room) {
        let Ok(mut reply) = call.begin() else { return };
        loop {
            let request = match call.next().await {
                Ok(Some(request)) => request,
                Ok(None) => break,
                Err(failure) => return reply.fail(&failure, "-"),
            };
            let response = match Request::decode(request) {
                Ok(request) => self.response(request),
                Err(_) => Response {
                    answer: Some(not_found(GrpcCode::INTERNAL, "the request is malformed")),
                    ..Response::default()
                },
            };
            if let Err(failure) = call.send(&mut reply, response.encode_to_vec()).await {
                return reply.fail(&failure, "-");
            }
        }
        drop(room);
        reply.succeed("-");
    }

    fn response(&self, request: Request) -> Response {
        let file = |name: Option<&String>| name.and_then(|name| self.files.get(name));
        let found = |files: Option<&Vec<Vec<u8>>>| match files {
            Some(files) => Answer::Files(Files {
                files: files.clone(),
            }),
            None => not_found(GrpcCode::NOT_FOUND, "there is no such descriptor"),
        };
        let answer = match &request.question {
            Some(Question::File(name)) => found(file(Some(name))),
            Some(Question::Symbol(name)) => found(file(self.symbols.get(name))),
            Some(Question::Extension(_) | Question::Extensions(_)) => {
                not_found(GrpcCode::NOT_FOUND, "the contract has no extensions")
            }
            Some(Question::Services(_)) => {
                let service = |name: &String| Service { name: name.clone() };
                let services = self.services.iter().map(service).collect();
                Answer::Services(Services { services })
            }
            None => not_found(
                GrpcCode::UNIMPLEMENTED,
                "the request asks for nothing known",
            ),
        };
        Response {
            host: request.host.clone(),
            request: Some(request),
            answer: Some(answer),
        }
    }
}

fn add_message(scope: &str, message: &DescriptorProto, add: &mut impl FnMut(String)) {
    let name = format!("{scope}.{}", message.name());
    message
        .nested_type
        .iter()
        .for_each(|each| add_message(&name, each, add));
    message
        .enum_type
        .iter()
        .for_each(|each| add(format!("{name}.{}", each.name())));
    message
        .field
        .iter()
        .for_each(|each| add(format!("{name}.{}", each.name())));
    add(name);
}

fn not_found(code: GrpcCode, message: &str) -> Answer {
    let code = i32::try_from(code.number()).unwrap_or_default();
    let message = message.to_owned();
    Answer::Error(ErrorResponse { code, message })
}

// The messages of the protocol, as far as they are used.

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(oneof = "Question", tags = "3, 4, 5, 6, 7")]
    question: Option<Question>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Question {
    #[prost(string, tag = "3")]
    File(String),
    #[prost(string, tag = "4")]
    Symbol(String),
    #[prost(message, tag = "5")]
    Extension(Extension),
    #[prost(string, tag = "6")]
    Extensions(String),
    #[prost(string, tag = "7")]
    Services(String),
}

#[derive(Clone, PartialEq, Message)]
struct Extension {
    #[prost(string, tag = "1")]
    containing_type: String,
    #[prost(int32, tag = "2")]
    number: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(message, optional, tag = "2")]
    request: Option<Request>,
    #[prost(oneof = "Answer", tags = "4, 6, 7")]
    answer: Option<Answer>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Answer {
    #[prost(message, tag = "4")]
    Files(Files),
    #[prost(message, tag = "6")]
    Services(Services),
    #[prost(message, tag = "7")]
    Error(ErrorResponse),
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorResponse {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}
