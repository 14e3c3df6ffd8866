//! Writes the seeds of the fuzz targets: what the vectors hold, a file for each.
//!
//! `cargo run -p sightline-spec --example fuzz_seeds -- spec/fuzz/corpus`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fs};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use serde_json::Value;
use sightline_spec::event::Event;
use sightline_spec::media_type;
use sightline_spec::room::RoomId;
use sightline_spec::token::{Claims, Scope, SigningKey};

fn main() -> Result<(), Box<dyn Error>> {
    let corpus: PathBuf = env::args().nth(1).ok_or("where to?")?.into();
    for target in [
        "sdp",
        "sdpfrag",
        "candidate",
        "link",
        "prefer",
        "room",
        "layer-selection",
        "proof",
    ] {
        write(&corpus, target, &vectors(target)?)?;
    }
    let fragments = vectors("sdpfrag")?;
    let candidates = fragments.iter().filter_map(|text| text.parse().ok());
    let mut events: Vec<String> = candidates.map(|f| line(&Event::Candidates(f))).collect();
    events.extend([Event::Join, Event::ViewerCount(3)].iter().map(line));
    let layers = vectors("layers")?.into_iter();
    events.extend(layers.map(|data| format!("layers\n{data}")));
    write(&corpus, "event", &events)?;
    let proxies = [
        "192.0.2.43, 198.51.100.17",
        r#"for="[2001:db8::17]:4711";proto=https;host="cam.example:8443""#,
        "for=_hidden;by=203.0.113.43, for=unknown",
    ];
    write(&corpus, "forwarded", &proxies.map(str::to_owned))?;
    let until = media_type::counter_offer(SystemTime::UNIX_EPOCH);
    write(&corpus, "media-type", &[until, media_type::SDPFRAG.into()])?;
    write(&corpus, "token", &[token()?])
}

fn line(event: &Event) -> String {
    format!("{}\n{}", event.kind().name(), event.data())
}

/// Every text in a file of vectors, valid or not.
fn vectors(name: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let path = format!("{}/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let vectors: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    let all = ["valid", "invalid"].map(|list| vectors[list].as_array().cloned());
    let texts = all.into_iter().flatten().flatten().map(|vector| {
        let lines = vector["lines"].as_array().into_iter().flatten();
        let lines = lines.filter_map(Value::as_str);
        match vector["text"].as_str() {
            Some(text) => text.to_owned(),
            None => lines.map(|line| format!("{line}\r\n")).collect(),
        }
    });
    Ok(texts.collect())
}

/// A token in order, but for a room that no fuzz target asks for.
fn token() -> Result<String, Box<dyn Error>> {
    let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())?;
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref())?;
    let room = RoomId::from_key(pair.public_key().as_ref().try_into()?);
    let (now, hour) = (SystemTime::UNIX_EPOCH, Duration::from_secs(3600));
    let claims = Claims::new(room, Scope::Publish, "localhost", now, hour);
    Ok(SigningKey::from_pkcs8(document.as_ref()).sign(&claims)?)
}

fn write(corpus: &Path, target: &str, texts: &[String]) -> Result<(), Box<dyn Error>> {
    let directory = corpus.join(target);
    fs::create_dir_all(&directory)?;
    for (index, text) in texts.iter().enumerate() {
        fs::write(directory.join(format!("seed-{index}")), text)?;
    }
    Ok(())
}
