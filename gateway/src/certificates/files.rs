//! Certificates that somebody else keeps fresh, such as certbot.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use rustls::sign::CertifiedKey;
use tokio::time::{MissedTickBehavior, interval};

use super::{Current, certified_key};

/// How often the files are looked at: two system calls, of which nobody notices anything.
const LOOK: Duration = Duration::from_secs(2);

pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What tells that a file is not what it was: also behind symbolic links, which is how
/// certbot and Kubernetes replace files, and where watching a folder sees nothing.
type Stamp = [Option<SystemTime>; 2];

impl Files {
    pub(super) fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key }
    }

    /// The certificate as the files have it now.
    pub(super) fn read(&self) -> anyhow::Result<CertifiedKey> {
        let read = |path: &Path| fs::read(path).with_context(|| format!("reading {path:?}"));
        let (chain, key) = (read(&self.certificate)?, read(&self.key)?);
        certified_key(&chain, &key)
            .with_context(|| format!("in {:?} and {:?}", self.certificate, self.key))
    }

    /// Reads the files again when they have changed, for ever.
    pub(super) async fn keep(&self, current: &Current) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Not those from before the start: the files may have changed since they were read.
        let mut seen: Stamp = [None, None];
        loop {
            ticks.tick().await;
            let stamp = self.stamp();
            if stamp == seen {
                continue;
            }
            let is_first = seen == [None, None];
            seen = stamp;
            match self.read() {
                Ok(certificate) => {
                    current.set(certificate);
                    if !is_first {
                        tracing::info!("the certificate has been read again");
                    }
                }
                // Half of the two has been written, perhaps; the other half is a change, too.
                Err(error) => tracing::warn!("the certificate stays as it was: {error:#}"),
            }
        }
    }

    fn stamp(&self) -> Stamp {
        let modified = |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified()).ok();
        [modified(&self.certificate), modified(&self.key)]
    }
}
