//! Who is told how things are: the log, the status line, Prometheus.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet};

use super::{ListenError, Metrics, Sampler, Snapshot, status_line::StatusLine};
use crate::pipeline::Pipeline;

/// How often things are looked at, if nobody says how often to log them.
const PERIOD: Duration = Duration::from_secs(2);

/// Who wants to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Audience {
    /// How often to log; zero for never. None: every two seconds where there is no status line.
    pub log_every: Option<Duration>,
    /// Where Prometheus asks.
    pub metrics_listen: Option<SocketAddr>,
}

/// Tells of a pipeline until it is dropped.
#[derive(Debug)]
pub struct Reports {
    status: StatusLine,
    _telling: JoinSet<()>,
}

impl Reports {
    /// Begins, with a status line if there is a terminal.
    pub async fn start(
        pipeline: &Arc<Pipeline>,
        audience: Audience,
        status: StatusLine,
    ) -> Result<Self, ListenError> {
        let (told, snapshots) = watch::channel(Arc::new(Snapshot::default()));
        let mut telling = JoinSet::new();
        if let Some(address) = audience.metrics_listen {
            let metrics = Metrics::listen(address, snapshots.clone()).await?;
            if let Ok(address) = metrics.address() {
                tracing::info!("metrics at http://{address}/metrics");
            }
            telling.spawn(metrics.run());
        }
        let has_line = status.show();
        let default = if has_line { Duration::ZERO } else { PERIOD };
        let log_every = audience.log_every.unwrap_or(default);
        if !log_every.is_zero() {
            telling.spawn(log(snapshots.clone()));
        }
        if has_line {
            telling.spawn(status.clone().run(snapshots));
        }
        let period = if log_every.is_zero() {
            PERIOD
        } else {
            log_every
        };
        telling.spawn(Sampler::new(pipeline).run(period, told));
        Ok(Self {
            status,
            _telling: telling,
        })
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        self.status.hide();
    }
}

async fn log(mut snapshots: watch::Receiver<Arc<Snapshot>>) {
    while snapshots.changed().await.is_ok() {
        let now = snapshots.borrow_and_update().clone();
        now.log();
    }
}
