#!/usr/bin/python3
"""A network camera that encodes by itself: 1280x720 at 30 fps in H.264, without B-frames, by RTSP.

Prints its address, and ends with its standard input.
"""

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

# What an encoder of our own is given for this size.
KBITS = 2500

STREAM = (
    "( videotestsrc is-live=true pattern=smpte75 horizontal-speed=2"
    " ! video/x-raw,format=I420,width=1280,height=720,framerate=30/1"
    f" ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate={KBITS}"
    " ! video/x-h264,profile=constrained-baseline ! rtph264pay name=pay0 pt=96 )"
)

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(STREAM)
factory.set_shared(True)
server.get_mount_points().add_factory("/stream", factory)
server.attach(None)
print(f"rtsp://127.0.0.1:{server.get_bound_port()}/stream", flush=True)

loop = GLib.MainLoop()


def until_input_ends():
    sys.stdin.read()
    loop.quit()


threading.Thread(target=until_input_ends, daemon=True).start()
loop.run()
