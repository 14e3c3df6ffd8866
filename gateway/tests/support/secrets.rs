//! What no log may tell: tokens, session URLs, the passwords of SDPs and of TURN servers.

use std::path::Path;

/// Names in the environment whose values are secrets.
const SECRET_VARIABLES: [&str; 2] = ["TOKEN", "SECRET"];

/// The secrets in these arguments and this environment, and those of the SDPs that tests send.
pub(super) fn given(arguments: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let servers = arguments.iter().filter_map(|argument| {
        let (user, _) = argument.strip_prefix("turn:")?.rsplit_once('@')?;
        Some(user.split_once(':')?.1)
    });
    let named = arguments
        .windows(2)
        .filter(|pair| pair[0].ends_with("-secret"));
    let named = named.map(|pair| pair[1]);
    let variables = environment.iter().filter_map(|(name, value)| {
        let is_secret = SECRET_VARIABLES.iter().any(|end| name.ends_with(end));
        is_secret.then_some(*value)
    });
    let all = servers.chain(named).chain(variables).map(str::to_owned);
    all.chain(passwords()).collect()
}

fn passwords() -> impl Iterator<Item = String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/http/sdp"));
    let files = std::fs::read_dir(folder).expect("the descriptions are there");
    files.flat_map(|file| {
        let text = std::fs::read_to_string(file.expect("it can be listed").path());
        let text = text.expect("it is text");
        let lines = text.lines().map(str::trim);
        let passwords = lines.filter_map(|line| line.strip_prefix("a=ice-pwd:"));
        passwords.map(str::to_owned).collect::<Vec<_>>()
    })
}

/// The line of a log that tells one of these, or anything that looks like a secret: a token,
/// a line of SDP with a password, the id of a session, or a password that our own side makes.
pub(super) fn told<'l>(log: &'l str, secrets: &[String]) -> Option<&'l str> {
    log.lines().find(|line| {
        let tells = |secret: &String| line.contains(secret.as_str());
        secrets.iter().any(tells)
            || line.contains("eyJ")
            || line.contains("ice-pwd")
            || line
                .split(|c: char| !c.is_ascii_hexdigit())
                .any(|hex| hex.len() == 32)
    })
}
