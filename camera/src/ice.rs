//! What webrtcbin does not offer as a property of its own: ICE and DTLS details.

use std::{
    fmt::Display,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use gst::{glib, prelude::*};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sightline_spec::ice_server::{IceServer, IceUri, Scheme};

/// Sets what libnice should do otherwise than by default.
pub(crate) fn configure_agent(webrtcbin: &gst::Bin) {
    let ice: Option<glib::Object> = webrtcbin.property("ice-agent");
    let Some(ice) = ice.filter(|ice| ice.find_property("agent").is_some()) else {
        return;
    };
    let Some(agent) = ice.property::<Option<glib::Object>>("agent") else {
        return;
    };
    let set = |name, value| {
        if agent.find_property(name).is_some() {
            agent.set_property(name, value);
        }
    };
    // Notice that the viewer is gone, RFC 7675.
    set("keepalive-conncheck", true);
    // Nobody asked us to open ports in routers; and asking takes 200 ms of every offer.
    set("upnp", false);
}

/// Has sender reports say when picture and sound were captured, not when they were sent: so viewers
/// put them together, however much longer one of them takes to encode.
pub(crate) fn report_capture_times(webrtcbin: &gst::Bin) {
    let mut rtpbins = webrtcbin.iterate_all_by_element_factory_name("rtpbin");
    while let Ok(Some(rtpbin)) = rtpbins.next() {
        rtpbin.set_property("rtcp-sync-send-time", false);
    }
}

/// Whether there is an address here at which anybody could reach us.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses(Arc<AtomicBool>);

impl Addresses {
    /// Looks from the creation of the element on.
    pub(crate) fn of(webrtcbin: &gst::Bin) -> Self {
        let this = Self::default();
        let found = this.clone();
        webrtcbin.connect("on-ice-candidate", false, move |_| {
            found.0.store(true, Ordering::Relaxed);
            None
        });
        this
    }

    pub(crate) fn is_there_one(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often a receiver reports what it got.
const REPORTS: Duration = Duration::from_secs(1);

/// Has a receiver report every second or so, as browsers do: a camera takes one that is silent for
/// longer for gone when its gateway has restarted. GStreamer would take up to seven (RFC 3550
/// section 6.2). Must be called right after creation of the element.
pub(crate) fn report_often(webrtcbin: &gst::Bin) {
    webrtcbin.connect_deep_element_added(|_, _, element| {
        if element
            .factory()
            .is_some_and(|factory| factory.name() == "rtpsession")
        {
            element.set_property("rtcp-min-interval", REPORTS.as_nanos() as u64);
        }
    });
}

/// When the other side was last heard of, and how long the longest pause before that was.
#[derive(Debug, Clone)]
pub(crate) struct Heard(Arc<Mutex<(Instant, Duration)>>);

impl Heard {
    /// Notes every packet that comes in: every viewer reports what it received every few seconds
    /// (RFC 3550 section 6.2), so one who vanished without a word is noticed long before ICE does,
    /// which takes 50 s in libnice. Must be called right after creation of the element.
    pub(crate) fn of(webrtcbin: &gst::Bin) -> Self {
        let heard = Self(Arc::new(Mutex::new((Instant::now(), Duration::ZERO))));
        let noted = heard.clone();
        webrtcbin.connect_deep_element_added(move |_, _, element| {
            if element
                .factory()
                .is_none_or(|factory| factory.name() != "nicesrc")
            {
                return;
            }
            let noted = noted.clone();
            let packets = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
            if let Some(pad) = element.static_pad("src") {
                pad.add_probe(packets, move |_, _| {
                    let (last, pause) = &mut *noted.lock();
                    *pause = last.elapsed().max(*pause);
                    *last = Instant::now();
                    gst::PadProbeReturn::Ok
                });
            }
        });
        heard
    }

    /// For how long nothing has come.
    pub(crate) fn silence(&self) -> Duration {
        self.lock().0.elapsed()
    }

    /// The longest pause between two packets so far.
    pub(crate) fn longest_pause(&self) -> Duration {
        self.lock().1
    }

    /// From now on pauses count.
    pub(crate) fn begin(&self) {
        *self.lock() = (Instant::now(), Duration::ZERO);
    }

    fn lock(&self) -> MutexGuard<'_, (Instant, Duration)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The certificate the peer ended the handshake with, as PEM.
pub(crate) fn peer_certificate(webrtcbin: &gst::Bin) -> Option<String> {
    let mut decoders = webrtcbin.iterate_all_by_element_factory_name("dtlsdec");
    while let Ok(Some(decoder)) = decoders.next() {
        if let Some(pem) = decoder.property::<Option<String>>("peer-pem") {
            return Some(pem);
        }
    }
    None
}

/// Sets STUN and TURN servers. webrtcbin takes one STUN server and any number of TURN servers.
pub(crate) fn use_servers(webrtcbin: &gst::Bin, servers: &[IceServer]) {
    let mut has_stun = false;
    for server in servers {
        match Uri::of(server) {
            Some(Uri::Stun(uri)) if !has_stun => {
                webrtcbin.set_property("stun-server", uri);
                has_stun = true;
            }
            Some(Uri::Turn(uri)) => {
                let added: bool = webrtcbin.emit_by_name("add-turn-server", &[&uri]);
                if !added {
                    tracing::warn!(?server, "this TURN server cannot be used");
                }
            }
            _ => {}
        }
    }
}

/// A server in GStreamer's own notation, which knows no default ports.
#[derive(PartialEq, Eq)]
enum Uri {
    Stun(String),
    Turn(String),
}

impl Uri {
    fn of(server: &IceServer) -> Option<Self> {
        let IceUri {
            scheme,
            host,
            port,
            transport,
        } = &server.uri;
        let place = format!("{host}:{}", port.unwrap_or(scheme.default_port()));
        match (scheme, &server.credential) {
            (Scheme::Stun, _) => Some(Self::Stun(format!("stun://{place}"))),
            (Scheme::Turn | Scheme::Turns, Some(credential)) => {
                let user = escaped(&credential.username);
                let password = escaped(&credential.password);
                let query = transport.map(|transport| format!("?transport={}", transport.as_str()));
                let query = query.unwrap_or_default();
                let scheme = scheme.as_str();
                Some(Self::Turn(format!(
                    "{scheme}://{user}:{password}@{place}{query}"
                )))
            }
            _ => None,
        }
    }
}

/// The userinfo part of a URI, RFC 3986 section 3.2.1.
fn escaped(text: &str) -> impl Display {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightline_spec::ice_server::IceServerCredential;

    fn uri(url: &str) -> String {
        let credential = IceServerCredential {
            username: "1700000000:ann".into(),
            password: "a/b+c=@".into(),
        };
        match Uri::of(&IceServer::new(url.parse().unwrap(), Some(credential)).unwrap()) {
            Some(Uri::Stun(uri) | Uri::Turn(uri)) => uri,
            None => "none".into(),
        }
    }

    #[test]
    fn servers_are_written_as_gstreamer_reads_them() {
        assert_eq!(uri("stun:stun.example.net"), "stun://stun.example.net:3478");
        assert_eq!(
            uri("stun:[2001:db8::1]:19302"),
            "stun://[2001:db8::1]:19302"
        );
        assert_eq!(uri("stun:[2001:db8::1]"), "stun://[2001:db8::1]:3478");
        assert_eq!(
            uri("turn:turn.example.net?transport=tcp"),
            "turn://1700000000%3Aann:a%2Fb%2Bc%3D%40@turn.example.net:3478?transport=tcp"
        );
        assert!(uri("turns:t.example.net").ends_with("@t.example.net:5349"));
        assert_eq!(uri("stuns:s.example.net"), "none");
    }
}
