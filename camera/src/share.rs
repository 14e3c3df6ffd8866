//! Links and tokens to hand out: what `key`, `token` and `share` print.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use reqwest::Url;
use sightline_spec::token::Scope;

use crate::{
    command::{ShareOptions, TokenOptions},
    config::Config,
    key::{RoomKey, Validity},
    watch_link::watch_link,
    whip,
};

/// How long a ticket is good for if nothing else is said.
const TICKET_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// A token to publish with, or a ticket.
pub fn token(
    config: &Config,
    key: &RoomKey,
    options: &TokenOptions,
    now: SystemTime,
) -> anyhow::Result<String> {
    let gateway = options.gateway.as_ref().unwrap_or(&config.gateway);
    let validity = Validity {
        from: now,
        lifetime: options.lifetime,
    };
    let audience = audience(gateway)?;
    let token = match options.scope {
        Scope::Publish => {
            let admission = options.view.unwrap_or_else(|| config.admission());
            key.publish_token(&audience, admission, validity)
        }
        Scope::View => key.view_ticket(&audience, validity),
    };
    token.context("the key cannot sign")
}

/// A link to watch. What it takes stands behind `#`, which browsers keep to themselves.
pub fn link(
    config: &Config,
    key: &RoomKey,
    options: &ShareOptions,
    now: SystemTime,
) -> anyhow::Result<Url> {
    let gateway = options.gateway.as_ref().unwrap_or(&config.gateway);
    let private = options.private || config.private;
    let secret = private.then(|| {
        let expires = options.lifetime.map(|lifetime| now + lifetime);
        key.link_secret(expires).expose()
    });
    // A private camera may ask for tickets as well: so the gateway turns strangers away.
    let ticket = (!private || config.tickets)
        .then(|| {
            let validity = Validity {
                from: now,
                lifetime: options.lifetime.unwrap_or(TICKET_LIFETIME),
            };
            let ticket = key.view_ticket(&audience(gateway)?, validity);
            ticket.context("the key cannot sign")
        })
        .transpose()?;
    let fragment = match (secret, ticket) {
        (Some(secret), None) => secret,
        (Some(secret), Some(ticket)) => format!("secret={secret}&token={ticket}"),
        (None, ticket) => format!("token={}", ticket.unwrap_or_default()),
    };
    let mut link = watch_link(gateway, key.room());
    link.set_fragment(Some(&fragment));
    Ok(link)
}

/// What the camera has to be told for such a link to mean something.
pub fn advice(config: &Config, options: &ShareOptions) -> Option<&'static str> {
    if options.private && !config.private {
        return Some("a camera asks for this link's secret only if it runs with --private");
    }
    if !config.private && !config.tickets {
        return Some("a camera asks for this link's ticket only if it runs with --tickets");
    }
    None
}

fn audience(gateway: &Url) -> anyhow::Result<String> {
    whip::audience(gateway).context("the gateway's URL has no host")
}

#[cfg(test)]
mod tests {
    use conf::Conf;
    use sightline_spec::{private::LinkSecret, token::Claims};

    use super::*;
    use crate::command::Command;

    /// What stands behind `#` in the link that this command line prints, and whose it is.
    fn shared(arguments: &[&str], now: SystemTime) -> (RoomKey, String) {
        let key = RoomKey::random();
        let program = std::iter::once("sightline-camera");
        let config = Config::try_parse_from(
            program.chain(arguments.iter().copied()),
            std::iter::empty::<(&str, &str)>(),
        )
        .unwrap();
        let Some(Command::Share(options)) = &config.command else {
            panic!("not to share");
        };
        let link = link(&config, &key, options, now).unwrap();
        assert_eq!(link.path(), format!("/watch/{}", key.room()));
        assert_eq!(link.query(), None);
        (key, link.fragment().unwrap().to_owned())
    }

    #[test]
    fn a_shared_link_has_a_ticket_for_its_gateway_and_time() {
        let now = SystemTime::now();
        let arguments = [
            "share",
            "--for",
            "2h",
            "--gateway",
            "https://g.example:8443",
        ];
        let (key, fragment) = shared(&arguments, now);
        let ticket = fragment.strip_prefix("token=").unwrap();
        let verify =
            |audience, now| Claims::verify(ticket, key.room(), Scope::View, audience, now).is_ok();
        assert!(verify("g.example:8443", now));
        assert!(!verify("g.example", now));
        assert!(!verify(
            "g.example:8443",
            now + Duration::from_secs(3 * 3600)
        ));
    }

    #[test]
    fn a_private_link_has_the_secret_and_where_asked_for_a_ticket() {
        let now = SystemTime::now();
        let (key, secret) = shared(&["share", "--private", "--for", "2h"], now);
        let expected = key.link_secret(Some(now + Duration::from_secs(7200)));
        assert_eq!(secret.parse::<LinkSecret>(), Ok(expected));
        let (key, secret) = shared(&["--private", "share"], now);
        assert_eq!(secret.parse(), Ok(key.link_secret(None)));
        let (key, both) = shared(&["--private", "--tickets", "share"], now);
        let (secret, ticket) = both.split_once('&').unwrap();
        let secret = secret.strip_prefix("secret=").unwrap();
        assert_eq!(secret.parse(), Ok(key.link_secret(None)));
        assert!(ticket.starts_with("token="));
    }
}
