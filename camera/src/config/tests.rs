use std::{ffi::OsString, time::Duration};

use super::*;

fn read(arguments: &[&str], environment: &[(&str, &str)], file: &str) -> Result<Config, String> {
    Config::conf_builder()
        .args(Command::after_options(
            std::iter::once("sightline-camera")
                .chain(arguments.iter().copied())
                .map(OsString::from),
        ))
        .env(environment.iter().copied())
        .doc("camera.toml", file.parse::<toml::Table>().unwrap())
        .try_parse()
        .map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_720p30_at_2500_kbits() {
    let config = read(&[], &[], "").unwrap();
    assert_eq!(config.format().size.to_string(), "1280x720");
    assert_eq!((config.fps, config.kbits()), (30, 2500));
    assert_eq!(config.source, Source::Auto);
    assert_eq!(config.audio, Audio::Auto);
}

#[test]
fn arguments_win_over_environment_and_environment_over_file() {
    let file = "size = \"320x240\"\nfps = 10\ncodec = \"vp8\"\nice_server = [\"stun:a:1\"]";
    let environment = [
        ("SIGHTLINE_CAMERA_SIZE", "640x480"),
        ("SIGHTLINE_CAMERA_FPS", "15"),
    ];
    let config = read(&["--size", "800x600"], &environment, file).unwrap();
    assert_eq!(config.size.to_string(), "800x600");
    assert_eq!(config.fps, 15);
    assert_eq!(config.codec, Some(Codec::Vp8));
    assert_eq!(config.ice_server.len(), 1);
}

#[test]
fn vp8_is_for_who_cannot_take_h264_unless_a_codec_is_asked_for() {
    let second = |arguments: &[&str]| {
        let encoders = read(arguments, &[], "").unwrap().second_encoders();
        let elements = encoders.into_iter().map(|kind| kind.element);
        elements.collect::<Vec<_>>()
    };
    assert_eq!(second(&[]), ["vp8enc"]);
    assert_eq!(second(&["--encoder", "openh264enc"]), ["vp8enc"]);
    assert_eq!(second(&["--codec", "h264"]), [""; 0]);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let error = read(&["--size", "big", "--codec", "av9"], &[], "").unwrap_err();
    assert!(
        error.contains("`big` is no size") && error.contains("`av9` is no codec"),
        "{error}"
    );
    assert!(
        read(&[], &[], "bitrat = 3").is_err(),
        "a misspelt option must not pass"
    );
}

#[test]
fn direct_only_is_not_for_publishing_to_a_server() {
    assert!(read(&["--direct-only"], &[], "").is_ok());
    let error = read(&["publish", "http://s/whip", "--direct-only"], &[], "").unwrap_err();
    assert!(
        error.contains("--direct-only and --private forbid"),
        "{error}"
    );
}

#[test]
fn private_is_direct_and_in_a_room_that_is_a_key() {
    assert!(
        read(&["--private"], &[], "")
            .unwrap()
            .capacity()
            .direct_only
    );
    let named = ["--room", "garage"];
    for option in ["--private", "--tickets"] {
        let error = read(&[option, named[0], named[1]], &[], "").unwrap_err();
        assert!(error.contains("the camera's own room"), "{error}");
        assert!(read(&[option, "publish", "http://s/whip"], &[], "").is_err());
    }
}

#[test]
fn a_pin_is_not_ignored() {
    let pin = format!("sha256:{}", "a5".repeat(32));
    let https = ["--gateway", "https://g", "--pin", pin.as_str()];
    let trust = |arguments: &[&str]| Ok::<_, String>(read(arguments, &[], "")?.trust());
    assert!(matches!(trust(&https), Ok(Trust::Pinned(_))));
    let authority = trust(&["--gateway", "https://g", "--ca", "ca.pem"]);
    assert!(matches!(authority, Ok(Trust::Authority(_))));
    let error = trust(&["--gateway", "http://g", "--pin", &pin]).unwrap_err();
    assert!(error.contains("begins with https:"), "{error}");
    assert!(trust(&[&https[..], &["--ca", "ca.pem"]].concat()).is_err());
    assert!(trust(&[&https[..], &["publish", "http://s/whip"]].concat()).is_err());
    assert!(trust(&["--gateway", "https://g", "--pin", "any"]).is_err());
}

#[test]
fn a_shared_link_may_be_for_another_gateway() {
    let arguments = [
        "share",
        "--for",
        "2h",
        "--private",
        "--gateway",
        "https://g",
    ];
    let Some(Command::Share(share)) = read(&arguments, &[], "").unwrap().command else {
        panic!("not to share");
    };
    assert_eq!(share.lifetime, Some(Duration::from_secs(7200)));
    assert!(share.private && share.gateway.is_some());
}

#[test]
fn the_token_stays_out_of_logs() {
    let config = read(&[], &[("SIGHTLINE_CAMERA_TOKEN", "hush")], "").unwrap();
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn options_may_stand_before_a_command_or_behind_it() {
    let url = "http://s/whip";
    for arguments in [
        ["--size", "320x180", "--qr=never", "publish", url],
        ["publish", url, "--size", "320x180", "--qr=never"],
        ["--size", "320x180", "publish", "--qr=never", url],
    ] {
        let config = read(&arguments, &[], "").unwrap();
        assert_eq!(config.size.to_string(), "320x180");
        assert_eq!(config.qr, QrMode::Never);
        let Some(Command::Publish(publish)) = config.command else {
            panic!("not to publish");
        };
        assert_eq!(publish.url.as_str(), url);
    }
    // What a command has of its own stays with it.
    let config = read(&["share", "--private", "--room", "garage"], &[], "").unwrap();
    assert!(!config.private && config.room.is_some());
    // A value is none of them, whatever it looks like.
    let config = read(&["--room", "token", "--fps", "7"], &[], "").unwrap();
    assert!(config.command.is_none() && config.fps == 7);
    assert!(read(&["publish", url, "--sise", "320x180"], &[], "").is_err());
    assert!(read(&["publish"], &[], "").is_err());
}

#[test]
fn there_is_one_token() {
    let environment = [("SIGHTLINE_CAMERA_TOKEN", "hush")];
    assert!(read(&["--token-file", "t"], &environment, "").is_err());
    let token = read(&["--token-file", "t"], &[], "").unwrap().token();
    assert!(matches!(token, Some(Token::File(_))));
}
