//! A WHEP server that is not ours: it answers offers itself, or with one of its own.

use anyhow::Context;
use gst::prelude::*;

/// `whepserversink` listens at this URL, for `POST /whep/endpoint`.
pub(crate) fn whepserversink(
    url: &str,
    sends_counter_offer: bool,
) -> anyhow::Result<gst::Pipeline> {
    let pipeline: gst::Pipeline = gst::parse::launch(
        "whepserversink name=server \
         videotestsrc is-live=true pattern=ball \
         ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 ! queue ! server.",
    )?
    .downcast()
    .ok()
    .context("a description of several elements is a pipeline")?;
    let server = pipeline.by_name("server").context("it is named so")?;
    server.set_property("stun-server", None::<&str>);
    let signaller: gst::glib::Object = server.property("signaller");
    signaller.set_property("stun-server", None::<&str>);
    signaller.set_property("host-addr", url);
    signaller.set_property("send-counter-offer", sends_counter_offer);
    Ok(pipeline)
}
