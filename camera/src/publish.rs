//! The second way out: one session with any WHIP server, by GStreamer's `whipsink`.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use gst::{glib, prelude::*};
use reqwest::Url;
use sightline_spec::ice_server::IceServer;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    branch::{Branch, Connection},
    complaint::Complaint,
    ice::{self, Addresses, Heard},
    pipeline::{Pipeline, PipelineError},
    token::Token,
};

/// A session that lasted this long was a success; the next attempt follows soon.
const SUCCESS: Duration = Duration::from_secs(10);

/// How long the server may take to answer a request, in seconds.
const PATIENCE: u32 = 4;

/// A session that has not connected in this time does not.
const CONNECT_LIMIT: Duration = Duration::from_secs(8);

/// A machine on which libnice has found no address in this time has no network. It would look for one
/// without end, and whipsink wait for that.
const ADDRESS_LIMIT: Duration = Duration::from_millis(1500);

/// How long until the next look.
const NO_NETWORK: Duration = Duration::from_secs(1);

/// A server that is silent for so many times as long as ever before, but for so long at least, is
/// gone: libnice would take most of a minute to say so. Receivers report every 5 s at most, give or
/// take a half (RFC 3550 section 6.2); most do so every second.
const SILENT_TIMES: u32 = 3;
const SILENCE: RangeInclusive<Duration> = Duration::from_millis(2500)..=Duration::from_secs(8);

/// How often that is looked at.
const SILENCE_CHECK: Duration = Duration::from_millis(250);

/// How long the goodbye to a server that may be gone keeps us from the next attempt.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// Why publishing ended.
#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error("GStreamer is incomplete: {0}")]
    Incomplete(#[from] glib::BoolError),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error("publishing ended: {0}")]
    Over(String),
    #[error("this machine has no network")]
    NoNetwork,
}

/// Where and how to publish.
#[derive(Debug)]
pub struct Publisher {
    /// The WHIP endpoint.
    pub endpoint: Url,
    /// For servers that ask for one.
    pub token: Option<Token>,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// What to publish.
    pub pipeline: Arc<Pipeline>,
}

impl Publisher {
    /// Makes `whipsink` known to GStreamer; it is part of this program.
    pub fn register() -> Result<(), glib::BoolError> {
        // It says of itself with every session that it is deprecated.
        glib::log_set_handler(
            Some("whipsink"),
            glib::LogLevels::LEVEL_WARNING,
            false,
            false,
            |_, _, message| tracing::trace!("{message}"),
        );
        gstwebrtchttp::plugin_register_static()
    }

    /// Publishes until told to stop, again and again.
    pub async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::new();
        let mut complaint = Complaint::default();
        while !stop.is_cancelled() {
            // Without any there is nothing to publish.
            tokio::select! {
                () = self.pipeline.has_pictures() => {}
                () = stop.cancelled() => return,
            }
            let started = Instant::now();
            let ended = self.publish(&stop).await;
            if let Err(error) = &ended {
                complaint.raise(error);
            }
            if started.elapsed() > SUCCESS {
                backoff.reset();
                complaint.settle();
            }
            let wait = match ended {
                Err(PublishError::NoNetwork) => NO_NETWORK,
                _ => backoff.next(),
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn publish(&self, stop: &CancellationToken) -> Result<(), PublishError> {
        let sink = self.build_sink()?;
        let mut pads = Vec::new();
        for (media, _) in self.pipeline.media() {
            let pad = sink.request_pad_simple("sink_%u");
            let none = || glib::bool_error!("whipsink has no pad left");
            pads.push((media, pad.ok_or_else(none)?));
        }
        let branch = Arc::new(Branch::new(sink.clone().upcast(), pads)?);
        let webrtcbin = inner_webrtcbin(&sink);
        let heard = webrtcbin.as_ref().map(Heard::of);
        let addresses = webrtcbin.as_ref().map(Addresses::of);
        if let Some(webrtcbin) = webrtcbin {
            ice::configure_agent(&webrtcbin);
            branch.report_connection_of(&webrtcbin);
            ice::use_servers(&webrtcbin, &self.ice_servers);
            ice::report_capture_times(&webrtcbin);
        }
        let mut connection = branch.connection();
        let codec = self.pipeline.first_codec();
        let _watching = self.pipeline.watch(codec).await?;
        self.pipeline.adopt(&branch)?;
        // whipsink makes its offer from what flows, so the flow comes first.
        let mut taps = Vec::new();
        for media in branch.media() {
            taps.push(self.pipeline.connect(&branch, media, codec)?);
        }
        let result = tokio::select! {
            why = self.until_over(&mut connection, heard) => Err(PublishError::Over(why)),
            () = has_no_network(addresses) => Err(PublishError::NoNetwork),
            () = self.pipeline.ends_codec(codec) => {
                Err(PublishError::Over(format!("the source sends no {codec} any more")))
            }
            () = stop.cancelled() => Ok(()),
        };
        let pipeline = self.pipeline.clone();
        // Stopping whipsink sends its DELETE.
        let dismantle = tokio::task::spawn_blocking(move || {
            taps.iter().for_each(|tap| pipeline.disconnect(tap));
            pipeline.release(&branch);
        });
        // It goes on meanwhile.
        let _ = tokio::time::timeout(GOODBYE_LIMIT, dismantle).await;
        result
    }

    /// Sends, and says why that is over.
    async fn until_over(
        &self,
        connection: &mut watch::Receiver<Connection>,
        heard: Option<Heard>,
    ) -> String {
        let mut deadline = Some(Instant::now() + CONNECT_LIMIT);
        let mut pulse = tokio::time::interval(SILENCE_CHECK);
        let mut source_is_silent = std::pin::pin!(self.pipeline.has_no_pictures());
        loop {
            tokio::select! {
                Ok(()) = connection.changed() => {
                    let now = connection.borrow_and_update().clone();
                    match now {
                        Connection::Connected => {
                            tracing::info!("publishing");
                            deadline = None;
                            heard.iter().for_each(Heard::begin);
                            self.pipeline.force_keyframe();
                        }
                        Connection::Over(why) => return why,
                        Connection::Connecting | Connection::Disconnected => {}
                    }
                }
                () = &mut source_is_silent => return "no pictures come of the source".to_owned(),
                _ = pulse.tick() => {
                    if deadline.is_some_and(|deadline| deadline < Instant::now()) {
                        return "no connection in time".to_owned();
                    }
                    if deadline.is_none() && heard.as_ref().is_some_and(is_gone) {
                        return "nothing is heard of the server any more".to_owned();
                    }
                }
            }
        }
    }

    fn build_sink(&self) -> Result<gst::Bin, glib::BoolError> {
        let sink = gst::ElementFactory::make("whipsink")
            .property("whip-endpoint", self.endpoint.as_str())
            .property("timeout", PATIENCE)
            .build()?;
        if let Some(token) = self.token.as_ref().and_then(Token::now) {
            sink.set_property("auth-token", token.expose());
        }
        sink.downcast::<gst::Bin>()
            .map_err(|_| glib::bool_error!("whipsink is no bin"))
    }
}

/// Waits for that to be known, which may be for ever.
async fn has_no_network(addresses: Option<Addresses>) {
    tokio::time::sleep(ADDRESS_LIMIT).await;
    if addresses.is_none_or(|addresses| addresses.is_there_one()) {
        std::future::pending().await
    }
}

/// Until something was heard, as long as anybody may take.
fn is_gone(heard: &Heard) -> bool {
    let pause = heard.longest_pause();
    let limit = match pause.is_zero() {
        true => *SILENCE.end(),
        false => (pause * SILENT_TIMES).clamp(*SILENCE.start(), *SILENCE.end()),
    };
    heard.silence() > limit
}

/// What whipsink means by a resource error, of which only its words for programmers tell; those have
/// the server's URL in them, which may be a secret.
pub(crate) fn in_words(debug: &str) -> Option<String> {
    if let Some((_, answer)) = debug.split_once("Unexpected response: ") {
        let status: String = answer.chars().take_while(char::is_ascii_digit).collect();
        return Some(format!("the server answers {status}"));
    }
    let is_unreachable = ["error sending request", "Request timeout"]
        .iter()
        .any(|why| debug.contains(why));
    is_unreachable.then(|| "the server cannot be reached".to_owned())
}

fn inner_webrtcbin(sink: &gst::Bin) -> Option<gst::Bin> {
    let mut inner = sink.iterate_all_by_element_factory_name("webrtcbin");
    inner.next().ok().flatten()?.downcast().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_told_and_the_url_is_not() {
        let refused = "imp.rs(9): f (): /GstWhipSink:w: Unexpected response: 401 - no such token";
        assert_eq!(in_words(refused).as_deref(), Some("the server answers 401"));
        for lost in [
            "error sending request for url (https://s/whip?token=hush)",
            "imp.rs(9): f (): /GstWhipSink:w: Request timeout, elapsed: deadline has elapsed",
        ] {
            let words = in_words(lost);
            assert_eq!(words.as_deref(), Some("the server cannot be reached"));
        }
        assert_eq!(in_words("something else"), None);
    }
}
