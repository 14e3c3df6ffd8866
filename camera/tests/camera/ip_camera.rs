//! A network camera: a real RTSP server, with an encoder whose output is written down.

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use gst::{glib, prelude::*};
use gst_rtsp_server::{
    RTSPAuth, RTSPFilterResult, RTSPMediaFactory, RTSPServer, RTSPToken,
    gio::TlsCertificate,
    gst_rtsp::{RTSPAuthMethod, RTSPProfile},
    prelude::*,
};
use sightline_camera::{
    audio::Audio, capacity::Capacity, capture, encoder::Codec, pipeline::Pipeline, proofs::Proofs,
    rtsp::RtspUrl, source::Source,
};

use crate::{
    endpoint::Endpoint,
    pieces::Pieces,
    rig::{Camera, FORMAT, eventually, whip},
};

/// A camera with this name and password, and this stream at any path.
pub(crate) struct IpCamera {
    main_loop: glib::MainLoop,
    thread: Option<JoinHandle<()>>,
    pub(crate) port: u16,
    /// What its encoder has made: units of pictures.
    pub(crate) pictures: Pieces,
    /// The same of sound.
    pub(crate) sound: Pieces,
}

pub(crate) const USER: &str = "ann";
pub(crate) const PASSWORD: &str = "h0sh/p@ss:w";

/// Encoded by x264 with these settings.
pub(crate) fn h264(settings: &str, size: (u32, u32)) -> String {
    format!(
        "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width={},height={},framerate=30/1 \
         ! x264enc speed-preset=ultrafast bitrate=500 {settings} \
         ! video/x-h264,stream-format=byte-stream,alignment=au ! identity name=pictures \
         ! rtph264pay name=pay0 pt=96 config-interval=0",
        size.0, size.1
    )
}

/// Encoded by x265, without B-frames.
pub(crate) fn h265(size: (u32, u32)) -> String {
    format!(
        "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width={},height={},framerate=15/1 \
         ! x265enc speed-preset=ultrafast tune=zerolatency key-int-max=15 bitrate=300 option-string=bframes=0 \
         ! video/x-h265,stream-format=byte-stream,alignment=au ! identity name=pictures \
         ! rtph265pay name=pay0 pt=96",
        size.0, size.1
    )
}

/// Without B-frames, and a keyframe each second.
pub(crate) const PLAIN: &str = "tune=zerolatency key-int-max=30";

/// Put behind a stream, it has the camera take requests for keyframes (RFC 4585 section 6.3.1).
pub(crate) const TAKES_REQUESTS: &str = " fakesrc name=takes-requests num-buffers=0 ! fakesink";

/// A tone, encoded and paid so.
pub(crate) fn tone(encoder: &str) -> String {
    format!(
        " audiotestsrc is-live=true freq=440 volume=0.5 samplesperbuffer=960 ! audioconvert ! audioresample ! {encoder}"
    )
}

impl IpCamera {
    pub(crate) fn start(stream: &str) -> Self {
        Self::start_at("0", stream, false)
    }

    /// At this port.
    pub(crate) fn start_at(port: &str, stream: &str, is_guarded: bool) -> Self {
        Self::start_with(port, stream, |server, factory| {
            if is_guarded {
                guard(server, factory);
            }
        })
    }

    /// By TLS, with a certificate of its own making, as cameras have.
    pub(crate) fn start_with_tls(stream: &str) -> Self {
        Self::start_with("0", stream, |server, _| {
            let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
            let pem = own.cert.pem() + &own.signing_key.serialize_pem();
            let auth = RTSPAuth::new();
            auth.set_tls_certificate(Some(&TlsCertificate::from_pem(&pem).unwrap()));
            server.set_auth(Some(&auth));
        })
    }

    fn start_with(
        port: &str,
        stream: &str,
        prepare: impl FnOnce(&RTSPServer, &RTSPMediaFactory),
    ) -> Self {
        gst::init().unwrap();
        let server = RTSPServer::new();
        server.set_address("127.0.0.1");
        server.set_service(port);
        let factory = RTSPMediaFactory::new();
        factory.set_launch(&format!("( {stream} )"));
        factory.set_shared(true);
        if stream.contains(TAKES_REQUESTS) {
            factory.set_profiles(RTSPProfile::AVPF);
        }
        let (pictures, sound) = (Pieces::default(), Pieces::default());
        let (units, packets) = (pictures.clone(), sound.clone());
        factory.connect_media_constructed(move |_, media| {
            let bin = media.element().downcast::<gst::Bin>().unwrap();
            let units = units.clone();
            note(&bin, "pictures", move |buffer| units.note_units(buffer));
            let packets = packets.clone();
            note(&bin, "sound", move |buffer| packets.note(buffer));
            announce_requests(&bin);
        });
        prepare(&server, &factory);
        server
            .mount_points()
            .unwrap()
            .add_factory("/stream", factory);
        let context = glib::MainContext::new();
        let main_loop = glib::MainLoop::new(Some(&context), false);
        let (started, port) = mpsc::channel();
        let runs = main_loop.clone();
        let thread = std::thread::spawn(move || {
            let serve = || {
                let id = server.attach(Some(&context)).unwrap();
                started.send(server.bound_port()).unwrap();
                runs.run();
                // Its viewers are cut off.
                server.client_filter(Some(&mut |_, _| RTSPFilterResult::Remove));
                if let Some(listening) = context.find_source_by_id(&id) {
                    listening.destroy();
                }
            };
            context.with_thread_default(serve).unwrap();
        });
        Self {
            main_loop,
            thread: Some(thread),
            port: u16::try_from(port.recv().unwrap()).unwrap(),
            pictures,
            sound,
        }
    }

    /// Without a password.
    pub(crate) fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// By way of this port.
    pub(crate) fn url_at(&self, port: u16) -> String {
        format!("rtsp://127.0.0.1:{port}/stream")
    }

    /// It is gone, and comes back like this.
    pub(crate) async fn replaced_by(self, stream: &str) -> Self {
        let port = self.port;
        drop(self);
        let is_free = async || std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        eventually("the port is free", is_free, |free| *free).await;
        Self::start_at(&port.to_string(), stream, false)
    }
}

impl Drop for IpCamera {
    fn drop(&mut self) {
        self.main_loop.quit();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// By digest (RFC 2617), as cameras do.
fn guard(server: &RTSPServer, factory: &RTSPMediaFactory) {
    let auth = RTSPAuth::new();
    auth.set_supported_methods(RTSPAuthMethod::Digest);
    let token = RTSPToken::builder()
        .field("media.factory.role", "user")
        .build();
    auth.add_digest(USER, PASSWORD, &token);
    server.set_auth(Some(&auth));
    let role = gst::Structure::builder("user")
        .field("media.factory.access", true)
        .field("media.factory.construct", true);
    factory.add_role_from_structure(&role.build());
}

/// Has the SDP say so.
fn announce_requests(bin: &gst::Bin) {
    if bin.by_name("takes-requests").is_none() {
        return;
    }
    let packets = bin.by_name("pay0").unwrap().static_pad("src").unwrap();
    packets.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &mut info.data
            && let gst::EventView::Caps(caps) = event.view()
        {
            let mut caps = caps.caps_owned();
            caps.make_mut().set("rtcp-fb-nack-pli", true);
            *event = gst::event::Caps::new(&caps);
        }
        gst::PadProbeReturn::Ok
    });
}

fn note(bin: &gst::Bin, name: &str, into: impl Fn(&[u8]) + Send + Sync + 'static) {
    let Some(element) = bin.by_name(name) else {
        return;
    };
    let pad = element.static_pad("src").unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        into(&info.buffer().unwrap().map_readable().unwrap());
        gst::PadProbeReturn::Ok
    });
}

/// Puts a network camera on the web, as the program would.
pub(crate) async fn publish(endpoint: &Endpoint, url: &str, codec: Option<Codec>) -> Camera {
    gst::init().unwrap();
    let url: RtspUrl = url.parse().unwrap();
    let stream = capture::find(&url).await;
    let pipeline = Pipeline::start_passing(&stream, codec, FORMAT, 500).unwrap();
    if stream.has_sound {
        pipeline.offer_audio();
    }
    let to = Arc::downgrade(&pipeline);
    tokio::spawn(capture::run(Source::Rtsp(url), Audio::Auto, FORMAT, to));
    let capacity = Capacity {
        viewers: 4,
        direct_only: false,
    };
    Camera::find_viewers(whip(endpoint, capacity), Proofs::None, capacity, pipeline)
}
