use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What encoders begin with, behind what RTP puts before it, and how large it is. Of libx264,
/// libopenh264, libx265, libvpx, libaom, SVT-AV1 and rav1e.
const REAL: [(Encoding, &str, (u32, u32)); 18] = {
    use Encoding::{Av1, H264, H265, Vp8, Vp9};
    const ODD: (u32, u32) = (642, 362);
    [
        (
            H264,
            "6742c01fda014016ec0440000003004000000f03c60ca8",
            (1280, 720),
        ),
        // Cropped: 1088 rows are coded.
        (
            H264,
            "6742c028da01e0089f970110000003001000000303c0f1832a",
            (1920, 1080),
        ),
        (
            H264,
            "6742c01eda0280bfe4c044000003000400000300f03c58ba80",
            (640, 362),
        ),
        // Full colour, which is cropped by single rows.
        (
            H264,
            "67f4001e919b281405ff3e0220000003002000000781e2c5b2c0",
            (640, 362),
        ),
        // Interlaced: rows are of fields.
        (
            H264,
            "67640028acd94078044fde0220000003002000000783e2c5b2c0",
            (1920, 1080),
        ),
        (H264, "6742c01e8c680a42fe224c0407844235", ODD),
        // With a picture's parameters in one packet.
        (
            H264,
            "7800176742c01fda014016ec0440000003004000000f03c60ca8000468ce3880",
            (1280, 720),
        ),
        (
            H265,
            "42010101600000030090000003000003003fa005220171c449965654a4c2f0168080000003008000000f04",
            ODD,
        ),
        (Vp8, "1070a9009d012a82026a0100870885", ODD),
        // All that a descriptor may have.
        (Vp8, "90f08001073f70a9009d012a82026a0100870885", ODD),
        (Vp9, "088249834200281016960c38241c", ODD),
        (Vp9, "08924983420014080b4b071c120e", ODD),
        (Vp9, "08a249834200050202d2c2070483", ODD),
        (Vp9, "08a2498342e0281016960838241c", ODD),
        // Three spatial layers, the largest of which counts, and a number of fifteen bits.
        (
            Vp9,
            "aa81230000580140 00b4028001680500 02d0010400",
            (1280, 720),
        ),
        (Av1, "180a0b0000000cc503693ebe6010", ODD),
        (Av1, "180a0e000000fa6281b48842b204040428", ODD),
        (Av1, "180a0c0200000d66281b48d5f3008032", ODD),
    ]
};

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).unwrap()
}

fn size((width, height): (u32, u32)) -> PictureSize {
    PictureSize { width, height }
}

#[test]
fn sizes_are_read_from_what_encoders_make() {
    for (encoding, payload, expected) in REAL {
        let told = PictureSize::of(encoding, &bytes(payload));
        assert_eq!(told, Some(size(expected)), "{encoding:?} {payload}");
    }
}

#[test]
fn pictures_that_need_others_tell_none() {
    for (encoding, payload) in [
        (Encoding::H264, "41e0"),
        (Encoding::H264, "65b840"),
        (Encoding::Vp8, "1071a9009d012a82026a0100"),
        // The second packet of a key frame that looks like the first.
        (Encoding::Vp8, "0070a9009d012a82026a0100"),
        (Encoding::Vp9, "488249834200281016960c38241c"),
        (Encoding::Vp9, "008249834200281016960c38241c"),
        (Encoding::Av1, "100a0b0000000cc503693ebe6010"),
        (Encoding::Opus, "fc"),
    ] {
        let told = PictureSize::of(encoding, &bytes(payload));
        assert_eq!(told, None, "{encoding:?} {payload}");
    }
}

#[test]
fn a_late_packet_does_not_change_the_size() {
    let [large, small] = [REAL[0], REAL[2]].map(|(_, payload, _)| bytes(payload));
    let mut layer = LayerSize::default();
    layer.note(Encoding::H264, 9, &large);
    layer.note(Encoding::H264, 8, &small);
    assert_eq!(layer.size(), Some(size((1280, 720))));
    layer.note(Encoding::H264, 10, &small);
    assert_eq!(layer.size(), Some(size((640, 362))));
}

proptest! {
    /// It may say anything, but it says it.
    #[test]
    fn no_bitstream_panics(
        which in 0..REAL.len(),
        cut in 0..64usize,
        flips in vec((0..64usize, any::<u8>()), 0..8),
        more in vec(any::<u8>(), 0..64),
    ) {
        let (encoding, payload, _) = REAL[which];
        let mut payload = bytes(payload);
        for (at, bits) in flips {
            if let Some(byte) = payload.get_mut(at) {
                *byte ^= bits;
            }
        }
        payload.truncate(cut);
        payload.extend(more);
        if let Some(size) = PictureSize::of(encoding, &payload) {
            prop_assert!((1..=1 << 16).contains(&size.width) && (1..=1 << 16).contains(&size.height));
        }
    }

    #[test]
    fn no_bytes_panic(payload in vec(any::<u8>(), 0..200)) {
        for (encoding, _, _) in REAL {
            let _ = PictureSize::of(encoding, &payload);
        }
    }
}

#[test]
fn a_picture_of_vp9_that_only_its_descriptor_takes_for_a_key_frame_is_none() {
    for (payload, begins) in [
        // As GStreamer and Chromium have it, and FFmpeg.
        ("88238249834200281016960c38241c", true),
        ("088249834200281016960c38241c", true),
        // FFmpeg's next picture, and the second packet of its first.
        ("0886004092", false),
        ("008249834200281016960c38241c", false),
        ("488249834200281016960c38241c", false),
        // Not to be read.
        ("0800000000", true),
        ("", false),
    ] {
        let bytes = hex::decode(payload).unwrap();
        assert_eq!(vp9_begins_key_frame(&bytes), begins, "{payload}");
    }
}
