//! A closed loop: a number of callers, of which each calls again once it has its answer.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;

/// Before the calls that count.
const WARM_UP: Duration = Duration::from_millis(300);

/// How many calls are outstanding, and for how long.
pub(crate) struct Load {
    pub(crate) outstanding: usize,
    length: Duration,
}

impl Load {
    pub(crate) fn new(outstanding: &str, seconds: &str) -> Result<Self> {
        Ok(Self {
            outstanding: outstanding.parse()?,
            length: Duration::from_secs_f64(seconds.parse()?),
        })
    }

    /// Runs callers, each with a state of its own (a connection), and returns what was measured in JSON.
    pub(crate) async fn run<C, F>(
        self,
        callers: impl IntoIterator<Item = C>,
        call: F,
    ) -> Result<String>
    where
        C: Send + 'static,
        F: AsyncFn(&mut C) -> Result<()> + Clone + 'static,
    {
        let warm = Instant::now() + WARM_UP;
        let end = warm + self.length;
        let local = tokio::task::LocalSet::new();
        let mut running = JoinSet::new();
        for mut caller in callers {
            let call = call.clone();
            let keep_calling = async move {
                let mut latencies = Vec::new();
                loop {
                    let begin = Instant::now();
                    if begin >= end {
                        return Result::Ok(latencies);
                    }
                    call(&mut caller).await?;
                    if begin >= warm {
                        latencies.push(begin.elapsed());
                    }
                }
            };
            running.spawn_local_on(keep_calling, &local);
        }
        let mut latencies = Vec::new();
        local
            .run_until(async {
                while let Some(found) = running.join_next().await {
                    latencies.extend(found??);
                }
                Result::Ok(())
            })
            .await?;
        report(latencies, self.length)
    }
}

fn report(mut latencies: Vec<Duration>, length: Duration) -> Result<String> {
    if latencies.is_empty() {
        return Err("no call was answered".into());
    }
    latencies.sort_unstable();
    let at = |part: f64| {
        let index = ((latencies.len() as f64 * part) as usize).min(latencies.len() - 1);
        latencies[index].as_secs_f64() * 1e6
    };
    Ok(format!(
        "{{\"calls\": {}, \"rate\": {:.0}, \"p50_us\": {:.1}, \"p90_us\": {:.1}, \"p99_us\": {:.1}}}",
        latencies.len(),
        latencies.len() as f64 / length.as_secs_f64(),
        at(0.5),
        at(0.9),
        at(0.99),
    ))
}
