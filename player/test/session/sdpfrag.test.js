// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  buildFrag, candidatesIn, candidatesOf, hasSoundOnly, mediaSections, parseCandidate, parseFrag, restarted,
  videoRejected,
} from '../../src/session/sdpfrag.js';
import { vectors } from '../vectors.js';

const frags = vectors('sdpfrag');

for (const { name, text, ufrag, candidates, mids, endOfCandidates } of frags.valid) {
  test(`fragment: ${name}`, () => {
    const media = parseFrag(text);
    assert.ok(media);
    assert.equal(media[0].ufrag, ufrag);
    assert.equal(candidatesOf(text).length, candidates);
    assert.deepEqual(media.map(({ mid }) => mid).filter((mid) => mid !== null), mids);
    assert.equal(media.some(({ complete }) => complete), endOfCandidates);
  });
}

for (const { text, why } of frags.invalid) {
  test(`no fragment: ${why}`, () => {
    assert.equal(parseFrag(text), null);
    assert.deepEqual(candidatesOf(text), []);
  });
}

const candidates = vectors('candidate');

test('candidates of the shared vectors', () => {
  for (const { text, canonical = text } of candidates.valid) {
    assert.equal(parseCandidate(text), canonical);
  }
  for (const { text, why } of candidates.invalid) assert.equal(parseCandidate(text), null, why);
});

const SDP = `v=0\r
o=- 1 2 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE video0 audio1\r
m=video 9 UDP/TLS/RTP/SAVPF 96\r
a=mid:video0\r
a=ice-ufrag:EsAw\r
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
a=candidate:1 1 udp 1 192.0.2.1 4000 typ host\r
m=audio 0 UDP/TLS/RTP/SAVPF 111\r
a=bundle-only\r
a=mid:audio1\r
a=ice-ufrag:EsAw\r
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
`;
const HOST = 'candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host';

test('a fragment of ours reads back as what went in', () => {
  const frag = buildFrag(mediaSections(SDP), [{ candidate: HOST, sdpMid: 'audio1' }], true);
  assert.deepEqual(candidatesOf(frag), [
    { candidate: HOST, sdpMid: 'audio1', usernameFragment: 'EsAw' },
  ]);
  assert.match(frag, /^a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=/);
  assert.equal(parseFrag(frag)?.every(({ complete }) => complete), true);
});

test('only the sections that have candidates are written', () => {
  const frag = buildFrag(mediaSections(SDP), [{ candidate: HOST, sdpMid: null }]);
  assert.deepEqual(parseFrag(frag)?.map(({ mid }) => mid), ['video0']);
});

test('the mere end of candidates is a fragment, too', () => {
  const frag = buildFrag(mediaSections(SDP), [], true);
  assert.match(frag, /a=mid:video0\r\na=end-of-candidates\r\n$/);
});

test('candidates without a mid go by the position of their section', () => {
  const frag = `m=video 9 x 0\r\na=${HOST}\r\nm=audio 9 x 0\r\na=${HOST}\r\n`;
  assert.deepEqual(candidatesOf(frag).map(({ sdpMLineIndex }) => sdpMLineIndex), [0, 1]);
  assert.deepEqual(candidatesOf(`a=${HOST}\r\n`), [{ candidate: HOST, sdpMLineIndex: 0 }]);
});

test('media sections of an SDP', () => {
  const [video, audio] = mediaSections(SDP);
  assert.equal(video.line, 'video 9 UDP/TLS/RTP/SAVPF 96');
  assert.deepEqual([video.mid, audio.mid], ['video0', 'audio1']);
  assert.equal(audio.rejected, false, 'port 0 with bundle-only is no rejection');
  assert.deepEqual([...candidatesIn(SDP)], ['candidate:1 1 udp 1 192.0.2.1 4000 typ host']);
});

test('credentials at session level hold in every section', () => {
  const sdp = 'v=0\na=ice-ufrag:abcd\na=ice-pwd:x\nm=video 9 x 96\na=mid:0\n';
  assert.equal(mediaSections(sdp)[0].ufrag, 'abcd');
});

test('an answer that turns the video down is recognised', () => {
  assert.equal(videoRejected(SDP), false);
  assert.equal(videoRejected('v=0\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n'), true);
  assert.equal(videoRejected('v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n'), false);
  const inactive = 'v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=inactive\r\n';
  assert.equal(videoRejected(inactive), true);
  const audio = 'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendonly\r\n';
  assert.equal(hasSoundOnly(inactive), false);
  assert.equal(hasSoundOnly(inactive + audio), true);
  assert.equal(hasSoundOnly(inactive + audio.replace('sendonly', 'inactive')), false);
  assert.equal(hasSoundOnly(inactive.replace('inactive', 'sendonly') + audio), false);
  assert.equal(hasSoundOnly(`v=0\r\n${audio}`), false, 'no video was offered');
});

const REMOTE = 'v=0\r\na=ice-lite\r\nm=video 9 x 96\r\na=ice-ufrag:OLDS\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n'
  + 'a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\na=mid:0\r\n'
  + 'm=audio 9 x 111\r\na=ice-ufrag:OLDS\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=mid:1\r\n';
const FRESH = 'a=ice-ufrag:NEWS\r\na=ice-pwd:asd88fgpdd777uzjYhagZg12\r\n';

test('a restart renews the credentials of every section, and keeps the candidates if there are no others', () => {
  const sdp = restarted(REMOTE, FRESH);
  assert.equal(sdp, REMOTE.replaceAll('OLDS', 'NEWS').replaceAll('P2uYro0UCOQ4zxjKXaWCBui1', 'asd88fgpdd777uzjYhagZg12'));
});

test('candidates that come with a restart stand for those of before', () => {
  const sdp = restarted(REMOTE, `${FRESH}m=video 9 x 96\r\na=mid:0\r\na=candidate:2 1 udp 1 192.0.2.2 5000 typ host\r\n`);
  assert.match(sdp ?? '', /NEWS/);
  assert.doesNotMatch(sdp ?? '', /candidate/);
});

test('a restart without credentials is none', () => {
  for (const frag of ['', 'v=0', 'a=mid:0\r\n', 'a=ice-ufrag:NEWS\r\n']) assert.equal(restarted(REMOTE, frag), null);
});

test('a fragment with credentials alone names the first section', () => {
  const sections = mediaSections(REMOTE);
  assert.equal(buildFrag(sections, []),
    'a=ice-ufrag:OLDS\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=video 9 x 96\r\na=mid:0\r\n');
});
