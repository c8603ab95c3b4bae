//! Writes in two halves: the command that a request asks for, and the reply that its result makes. What is
//! between them waits for a disk, and needs no thread of its own.

use std::sync::Arc;

use ee_access::Status;
use ee_core::command::Command;
use ee_engine::{Engine, NamespaceHandle, WriteContext, Written};
use parking_lot::Mutex;
use prost::Message;

use crate::call::{NamespaceCall, WriteParams};
use crate::call_error::Result;
use crate::engine_error::{FieldPaths, call_error};
use crate::panic_guard::guard;

/// A write whose request is checked.
pub(crate) struct PlannedWrite {
    namespace: NamespaceHandle,
    command: Command,
    context: WriteContext,
    reply: Encode,
}

/// Makes the serialized reply.
type Encode = Box<dyn FnOnce(ee_engine::Result<Written>) -> Result<Vec<u8>> + Send>;

impl NamespaceCall<'_> {
    /// Plans a command on the namespace. `reply` makes the reply of its result.
    pub(crate) fn plan<A: Message>(
        self,
        paths: FieldPaths,
        command: Command,
        mut params: WriteParams,
        reply: impl FnOnce(Written) -> Result<A> + Send + 'static,
    ) -> Result<PlannedWrite> {
        params.violations.finish(Ok(()))?;
        Ok(PlannedWrite {
            namespace: self.namespace,
            command,
            context: params.context,
            reply: Box::new(move |written| {
                let written = written.map_err(|error| call_error(paths, error))?;
                Ok(reply(written)?.encode_to_vec())
            }),
        })
    }
}

impl PlannedWrite {
    /// Writes, and returns the reply once the write is durable.
    pub(crate) fn execute(self, engine: &Engine) -> Result<Vec<u8>> {
        (self.reply)(engine.write(&self.namespace, self.command, self.context))
    }

    /// Writes. `then` gets the reply once the write is durable, in the thread that ended the write.
    pub(crate) fn execute_then(
        self,
        engine: &Engine,
        waits: &dyn Fn(),
        then: impl FnOnce(std::result::Result<Vec<u8>, Status>) + Send + 'static,
    ) {
        // A panic drops what the closure below has captured; the caller gets an answer all the same.
        let then = Arc::new(Mutex::new(Some(then)));
        let answer = {
            let then = Arc::clone(&then);
            move |reply| {
                let then = then.lock().take();
                if let Some(then) = then {
                    then(reply);
                }
            }
        };
        let own = answer.clone();
        let Self {
            namespace,
            command,
            context,
            reply,
        } = self;
        let begun = guard(|| {
            let then = move |written| answer(guard(|| reply(written)));
            engine.write_then(&namespace, command, context, waits, then);
            Ok(())
        });
        if let Err(status) = begun {
            own(Err(status));
        }
    }
}
