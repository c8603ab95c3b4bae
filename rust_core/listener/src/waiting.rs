//! Reads that wait for a revision. They hold a permit, of which each principal has few, and no
//! thread.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::call::Call;
use crate::failure::Failure;

/// Times between two looks: short at first, since most revisions are about to be published.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// Whether the call waits for no revision.
pub(crate) fn is_reached(call: &Call, request: &[u8]) -> Result<bool, Failure> {
    let service = call.shared.service()?;
    Ok(service.is_reached(call.method.name, request, call.caller.grant()))
}

/// Waits until the revision is reached, or until it is time to say that it is not: the service then
/// refuses the call.
pub(crate) async fn until_reached(call: &mut Call, request: &[u8]) -> Result<(), Failure> {
    let until = ee_wire::end_of_wait(call.deadline(), Instant::now());
    let mut pause = FIRST_PAUSE;
    while !is_reached(call, request)? {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let slept = async {
            sleep(pause.min(left)).await;
            Some(())
        };
        call.unless_gone(slept).await?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}
