//! The executable protocol: the files under `spec/http`, each case against a real
//! gateway process of its own. `spec/README.md` says what is in them.
//!
//! A case is one file with its partners, or a folder whose files are actors; they
//! run side by side and learn of each other by the protocol only.
#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hurl::runner::{self, RunnerOptionsBuilder, Value, VariableSet};
use hurl::util::logger::LoggerOptionsBuilder;
use hurl::util::path::ContextDir;
use hurl_core::input::Input;
use libtest_mimic::{Arguments, Failed, Trial};
use sightline_spec::room::RoomId;
use sightline_spec::token::{Admission, Claims, Scope, SigningKey};
use support::Gateway;

/// Longer than anything that a case waits for.
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/http"));
    let root = root.canonicalize().unwrap();
    let trials = cases(&root).into_iter().map(|case| {
        let root = root.clone();
        Trial::test(case.name.clone(), move || case.run(&root))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Files that run side by side against one gateway.
struct Case {
    name: String,
    actors: Vec<PathBuf>,
}

fn cases(root: &Path) -> Vec<Case> {
    let sections = ["whip", "whep", "errors", "pairing", "relay"];
    let entries = sections.iter().flat_map(|name| entries(&root.join(name)));
    let case = |path: PathBuf| Case {
        name: path
            .strip_prefix(root)
            .unwrap()
            .with_extension("")
            .display()
            .to_string(),
        actors: actors(root, path),
    };
    entries.map(case).collect()
}

/// A folder's files, or a file and its partners.
fn actors(root: &Path, case: PathBuf) -> Vec<PathBuf> {
    if case.is_dir() {
        return entries(&case);
    }
    let partners = words_after("# beside:", &case);
    let partner = |name| root.join("partners").join(name).with_extension("hurl");
    partners.iter().map(partner).chain([case]).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let sorted: BTreeSet<_> = entries.map(|entry| entry.unwrap().path()).collect();
    sorted.into_iter().collect()
}

/// The words of the comment lines that begin so.
fn words_after(start: &str, file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix(start));
    let words = lines.flat_map(str::split_whitespace);
    words.map(str::to_owned).collect()
}

impl Case {
    fn run(&self, root: &Path) -> Result<(), Failed> {
        let options = self.actors.iter();
        let mut options: Vec<_> = options.flat_map(|f| words_after("# gateway:", f)).collect();
        if self.name.starts_with("relay/") {
            options.extend(["--relay".to_owned(), "on".to_owned()]);
        }
        let gateway = Gateway::start(options.iter().map(String::as_str));
        let variables = variables(&gateway.host());
        let failed: Vec<String> = std::thread::scope(|scope| {
            let start = |file: &PathBuf| {
                let file = file.clone();
                let variables = variables.clone();
                scope.spawn(move || act(&file, root, &variables))
            };
            let actors: Vec<_> = self.actors.iter().map(start).collect();
            let ended = actors.into_iter().map(|actor| actor.join().unwrap());
            ended.filter_map(Result::err).collect()
        });
        let log = gateway.stop();
        match failed.is_empty() && !log.contains("panicked") {
            true => Ok(()),
            false => Err(format!("{}\ngateway: {log}", failed.join("\n")).into()),
        }
    }
}

/// Runs one file. What went wrong is on standard error, with the line it is in.
fn act(file: &Path, root: &Path, variables: &VariableSet) -> Result<(), String> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).unwrap();
    let options = RunnerOptionsBuilder::new()
        .context_dir(&ContextDir::new(root, &root.join("sdp")))
        .timeout(TIMEOUT)
        .build();
    let logger = LoggerOptionsBuilder::new().build();
    let input = Input::new(&name);
    match runner::run(&text, Some(&input), &options, variables, &logger) {
        Ok(result) if result.success => Ok(()),
        Ok(_) => Err(format!("{name} failed")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// What the files can name: the gateway, and a room that is a key with tokens for
/// it, good and bad.
fn variables(host: &str) -> VariableSet {
    let (key, room) = room_key();
    let (other_key, other_room) = room_key();
    let now = SystemTime::now();
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let claims = |room: &RoomId, scope| Claims::new(room.clone(), scope, host, now, minute);
    let publish = claims(&room, Scope::Publish);
    let elsewhere = Claims {
        aud: "elsewhere.example".into(),
        ..publish.clone()
    };
    let old = Claims::new(room.clone(), Scope::Publish, host, now - hour, minute);
    let ahead = Claims::new(room.clone(), Scope::Publish, host, now + 6 * minute, minute);
    let asking = publish.clone().admitting(Admission::Ticket);
    let view = claims(&room, Scope::View);
    let old_ticket = Claims {
        scope: Scope::View,
        ..old.clone()
    };
    let ticket_elsewhere = Claims {
        aud: "elsewhere.example".into(),
        ..view.clone()
    };
    let sign = |key: &SigningKey, claims| key.sign(claims).unwrap();
    let token = sign(&key, &publish);
    let values = [
        ("gateway", format!("http://{host}")),
        ("key_room", room.to_string()),
        ("token", token.clone()),
        ("token_asking_for_tickets", sign(&key, &asking)),
        ("token_truncated", token[..token.len() - 4].to_owned()),
        ("token_huge", format!("{token}{}", "A".repeat(9000))),
        ("token_of_no_algorithm", unsigned(&token)),
        ("token_by_the_public_key", by_the_public_key(&token, &room)),
        ("token_from_the_future", sign(&key, &ahead)),
        ("token_of_another_key", sign(&other_key, &publish)),
        (
            "token_for_another_room",
            sign(&other_key, &claims(&other_room, Scope::Publish)),
        ),
        ("token_for_another_gateway", sign(&key, &elsewhere)),
        ("ticket", sign(&key, &view)),
        ("ticket_expired", sign(&key, &old_ticket)),
        ("ticket_for_another_gateway", sign(&key, &ticket_elsewhere)),
        ("ticket_of_another_key", sign(&other_key, &view)),
        (
            "ticket_for_another_room",
            sign(&other_key, &claims(&other_room, Scope::View)),
        ),
        ("token_expired", sign(&key, &old)),
    ];
    let mut variables = VariableSet::new();
    for (name, value) in values {
        variables.insert(name.into(), Value::String(value));
    }
    variables
}

fn room_key() -> (SigningKey, RoomId) {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
    let key = SigningKey::from_pkcs8(document.as_ref());
    (key, RoomId::from_key(&public))
}

/// The same claims with `alg` none and no signature: RFC 8725 section 2.1.
fn unsigned(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{claims}.")
}

/// The same claims, signed by HS256 with what everybody knows, the public key, as its secret:
/// the other attack of RFC 8725 section 2.1.
fn by_the_public_key(token: &str, room: &RoomId) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{claims}");
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &room.key().unwrap());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&secret, signed.as_bytes()));
    format!("{signed}.{signature}")
}
