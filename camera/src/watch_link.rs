//! The link that people open, as text and as a QR code for their phones.

use std::io::{self, IsTerminal, Write};

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use reqwest::Url;
use sightline_spec::room::RoomId;

use crate::{http::below, option::QrMode};

/// Where a room is watched.
pub fn watch_link(gateway: &Url, room: &RoomId) -> Url {
    below(gateway, &["watch", room.as_str()])
}

/// Prints a text on standard output, and below it the QR code of what it is about, where wanted.
pub fn print(text: &str, code: &str, mode: QrMode) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    let wanted = match mode {
        QrMode::Always => true,
        QrMode::Never => false,
        QrMode::Auto => out.is_terminal(),
    };
    if let Some(code) = wanted.then(|| qr_code(code)).flatten() {
        writeln!(out, "{code}")?;
    }
    out.flush()
}

/// Dark on light whatever the terminal's colours are: most phones read nothing else.
fn qr_code(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let picture = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    let lines = picture
        .lines()
        .map(|line| format!("\x1b[97;40m{line}\x1b[0m\n"));
    Some(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_room_key_fits_a_terminal() {
        let gateway = Url::parse("https://camera.example.net:8443").unwrap();
        let link = watch_link(&gateway, &RoomId::from_key(&[0xab; 32]));
        assert!(
            link.as_str()
                .starts_with("https://camera.example.net:8443/watch/abab")
        );
        let code = qr_code(link.as_str()).unwrap();
        assert!(code.lines().count() <= 30, "{}", code.lines().count());
    }
}
