"""aiortc as a WHIP publisher or a WHEP viewer.

    python aiortc_client.py publish|watch URL

It tells what happens as lines of JSON, and ends the friendly way on SIGTERM.
"""

import asyncio
import json
import signal
import sys
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError

PICTURE = "testsrc=size=640x360:rate=30"
TONE = "sine=frequency=440:sample_rate=48000"

# How often it is told how many frames there were, from the first one on.
COUNTED_SECONDS = 5


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


class Counter:
    """Takes decoded frames from tracks, and counts them."""

    def __init__(self):
        self.frames = {"video": 0, "audio": 0}
        self.tasks = []

    def take(self, track):
        self.tasks.append(asyncio.create_task(self._count(track)))

    async def _count(self, track):
        while True:
            try:
                await track.recv()
            except MediaStreamError:
                return
            self.frames[track.kind] += 1
            if track.kind == "video" and self.frames["video"] == 1:
                tell("first-frame")
                self.tasks.append(asyncio.create_task(self._report(dict(self.frames))))

    async def _report(self, before):
        while True:
            await asyncio.sleep(COUNTED_SECONDS)
            tell(
                "counted",
                video=self.frames["video"],
                audio=self.frames["audio"] - before["audio"],
            )


def sources(peer):
    """Adds a test picture and a test tone; gives back what to stop in the end."""
    players = [MediaPlayer(text, format="lavfi") for text in (PICTURE, TONE)]
    tracks = [players[0].video, players[1].audio]
    for track in tracks:
        peer.addTransceiver(track, direction="sendonly")
    return tracks


async def exchange(peer, http, url):
    """Posts the offer, with all candidates, and applies the answer."""
    await peer.setLocalDescription(await peer.createOffer())
    headers = {"Content-Type": "application/sdp"}
    async with http.post(url, data=peer.localDescription.sdp, headers=headers) as response:
        body = await response.text()
        if response.status != 201:
            raise RuntimeError(f"POST was answered with {response.status}: {body}")
        session = urljoin(url, response.headers["Location"])
    await peer.setRemoteDescription(RTCSessionDescription(sdp=body, type="answer"))
    return session


async def run(role, url):
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    # Without this it asks a STUN server on the Internet.
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    counter, tracks = Counter(), []

    @peer.on("connectionstatechange")
    def changed():
        if peer.connectionState == "connected":
            tell("connected")
        elif peer.connectionState == "failed":
            tell("failed", why="the connection failed")
            over.set()

    tell("starting")
    if role == "publish":
        tracks = sources(peer)
    else:
        peer.on("track", counter.take)
        peer.addTransceiver("video", direction="recvonly")
        peer.addTransceiver("audio", direction="recvonly")
    async with aiohttp.ClientSession() as http:
        session = await exchange(peer, http, url)
        await over.wait()
        for track in tracks:
            track.stop()
        await peer.close()
        async with http.delete(session) as response:
            tell("deleted", status=response.status)


def main():
    role, url = sys.argv[1:]
    try:
        asyncio.run(run(role, url))
    except Exception as error:
        tell("failed", why=f"{type(error).__name__}: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
