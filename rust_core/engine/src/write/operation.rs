//! Operations: writes that are not commands of a namespace, each in a transaction of its own.

use ee_store::WriteSession;

use crate::Result;
use crate::shared::Shared;
use crate::write::oneshot::Sender;

/// A write that is not a command: create, delete, the parts of a restore.
pub(crate) trait Operation: Send {
    /// The result for the caller.
    type Output: Send;

    /// Writes, inside a transaction that the caller commits, or rolls back after an error. After a
    /// conflict the operation is applied again, to what is stored then.
    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<Self::Output>;

    /// Called once the operation is durable, before the next write.
    fn committed(&self, _shared: &Shared, _output: &Self::Output) {}
}

/// An operation in the queue: its output goes straight to the caller.
pub(crate) trait QueuedOperation: Send {
    /// Applies the operation, and keeps its output.
    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<()>;

    /// Answers the caller, after the commit or after an error.
    fn answer(self: Box<Self>, shared: &Shared, ended: Result<()>);
}

/// An operation and the caller that waits for it.
pub(crate) struct Waiting<O: Operation> {
    operation: O,
    output: Option<O::Output>,
    reply: Sender<Result<O::Output>>,
}

impl<O: Operation> Waiting<O> {
    pub(crate) fn new(operation: O, reply: Sender<Result<O::Output>>) -> Self {
        Self {
            operation,
            output: None,
            reply,
        }
    }
}

impl<O: Operation> QueuedOperation for Waiting<O> {
    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<()> {
        self.output = Some(self.operation.apply(session)?);
        Ok(())
    }

    fn answer(self: Box<Self>, shared: &Shared, ended: Result<()>) {
        match (ended, self.output) {
            (Ok(()), Some(output)) => {
                self.operation.committed(shared, &output);
                self.reply.send(Ok(output));
            }
            (Err(error), _) => self.reply.send(Err(error)),
            // Committed without having been applied: the caller gets no answer, as after a panic.
            (Ok(()), None) => {}
        }
    }
}
