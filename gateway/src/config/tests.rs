use super::*;
use crate::certificates::Source;
use std::time::SystemTime;

fn config(args: &[&str], env: &[(&str, &str)], file: &str) -> Result<Config, String> {
    let document: toml::Table = file.parse().unwrap();
    Config::conf_builder()
        .args(["sightline-gateway"].iter().chain(args))
        .env(env.iter().copied())
        .doc("gateway.toml", document)
        .try_parse()
        .map_err(|e| e.to_string())
}

#[test]
fn arguments_win_over_the_environment_and_it_over_the_file() {
    let file = "[waits]\ncamera_wait = '1s'\nviewer_wait = '1s'\nmax_wait = '1s'";
    let env = [
        ("SIGHTLINE_VIEWER_WAIT", "2s"),
        ("SIGHTLINE_MAX_WAIT", "2s"),
    ];
    let config = config(&["--max-wait", "3s"], &env, file).unwrap();
    let Waits {
        camera,
        viewer,
        publisher_grace: _,
        most,
    } = config.waits();
    let seconds = [camera, viewer, most].map(|wait| wait.as_secs());
    assert_eq!(seconds, [1, 2, 3]);
}

#[test]
fn ice_servers_come_from_each_of_the_three() {
    let args = ["--ice-server", "stun:a", "--ice-server", "turn:u:p@b"];
    assert_eq!(config(&args, &[], "").unwrap().ice_servers.len(), 2);
    let env = [("SIGHTLINE_ICE_SERVERS", "stun:a,stun:b")];
    assert_eq!(config(&[], &env, "").unwrap().ice_servers.len(), 2);
    let file = "ice_servers = ['stun:a', 'turn:u:p@b', 'stun:c']";
    assert_eq!(config(&[], &[], file).unwrap().ice_servers.len(), 3);
}

#[test]
fn turn_needs_credentials_or_the_secret_to_make_them() {
    let turn = ["--ice-server", "turn:t.example"];
    let told = config(&turn, &[], "").unwrap_err();
    assert!(
        told.contains("turn:t.example needs USER:PASSWORD@"),
        "{told}"
    );
    let env = [("SIGHTLINE_TURN_SECRET", "north")];
    assert!(config(&turn, &env, "").is_ok());
    let file = "ice_servers = ['turn:t.example']\nturn_secret = 'north'\nturn_ttl = '1h'";
    let servers = config(&[], &[], file).unwrap().ice_servers();
    assert_eq!(servers.links(SystemTime::UNIX_EPOCH).count(), 1);
    assert_eq!(servers.turn_ttl, Duration::from_secs(3600));
    assert!(config(&["--turn-secret", ""], &[], "").is_err());
}

#[test]
fn secrets_stay_out_of_logs() {
    let args = ["--ice-server", "turn:u:hidden@h", "--turn-secret", "hidden"];
    let config = config(&args, &[], "").unwrap();
    assert!(!format!("{config:?}").contains("hidden"));
}

#[test]
fn the_administrator_has_a_token_and_not_in_the_arguments() {
    let listen = ["--admin-listen", "127.0.0.1:9090"];
    let told = config(&listen, &[], "").unwrap_err();
    assert!(told.contains("SIGHTLINE_ADMIN_TOKEN"), "{told}");
    let token = "0123456789abcdef";
    let env = [("SIGHTLINE_ADMIN_TOKEN", token)];
    let from_env = config(&listen, &env, "").unwrap();
    assert!(!format!("{from_env:?}").contains(token));
    let (_, secret) = from_env.admin.interface().unwrap();
    assert!(secret.is(token));
    let file = format!("[admin]\ntoken = '{token}'\nlisten = '[::1]:9090'");
    assert!(config(&[], &[], &file).unwrap().admin.interface().is_some());
    assert!(config(&[listen[0], listen[1], "--admin-token", token], &[], "").is_err());
    let told = config(&listen, &[("SIGHTLINE_ADMIN_TOKEN", "short")], "").unwrap_err();
    assert!(!told.contains("short"), "{told}");
    // Nobody asks for it.
    assert!(config(&[], &env, "").unwrap().admin.interface().is_none());
}

#[test]
fn all_mistakes_are_told_at_once() {
    let args = ["--listen", "nowhere", "--ice-server", "turn:u:secret@"];
    let told = config(&args, &[], "max_wiat = '1s'").unwrap_err();
    assert!(told.contains("--listen"), "{told}");
    assert!(told.contains("--ice-server"), "{told}");
    assert!(told.contains("max_wiat"), "{told}");
}

#[test]
fn an_authority_is_let_s_encrypt_or_the_one_that_is_named() {
    let directory = |more: &[&str]| {
        let args = ["--tls", "acme:a.example,me@a.example", "--state-dir", "/s"];
        let args = [&args[..], more].concat();
        match config(&args, &[], "").unwrap().tls.source().unwrap() {
            Some(Source::Acme(source)) => {
                assert_eq!(source.contacts, ["mailto:me@a.example"]);
                source.directory
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(directory(&[]).starts_with("https://acme-v02."));
    assert!(directory(&["--acme-staging"]).starts_with("https://acme-staging-v02."));
    let own = "https://ca.example/directory";
    assert_eq!(directory(&["--acme-directory", own, "--acme-staging"]), own);
    assert!(config(&["--redirect-listen", "127.0.0.1:80"], &[], "").is_err());
}

/// The deployment guide's example.
#[test]
fn the_file_in_the_docs_is_read() {
    let guide = include_str!("../../../docs/deploy.md");
    let (_, rest) = guide.split_once("```toml\n").unwrap();
    let (file, _) = rest.split_once("```").unwrap();
    let config = config(&[], &[], file).unwrap();
    assert!(config.proxies().https);
    assert_eq!(config.listen.port(), 443);
}

#[test]
fn names_are_open_on_loopback_only() {
    let open = |args: &[&str]| config(args, &[], "").unwrap().authority().named_rooms_open;
    assert!(open(&[]));
    assert!(open(&["--listen", "[::1]:80"]));
    assert!(!open(&["--listen", "0.0.0.0:80"]));
    assert!(!open(&["--trusted-proxy", "127.0.0.1"]));
    assert!(!open(&["--public-url", "https://cam.example"]));
    assert!(open(&["--listen", "0.0.0.0:80", "--open-rooms"]));
}
