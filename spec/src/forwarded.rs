//! What proxies say of the requests that they pass on: `Forwarded` (RFC 7239), and the
//! `X-Forwarded-For` that came before it.

use std::net::{IpAddr, SocketAddr};

/// What one proxy says of the request that it received.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hop {
    /// `for`: who sent it. Nothing if the proxy does not know, or does not tell.
    pub from: Option<IpAddr>,
    /// `host`: the `Host` field it had.
    pub host: Option<String>,
    /// `proto`: the scheme it came by, in lower case.
    pub proto: Option<String>,
}

/// A field that does not follow its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what a proxy says of this request is malformed")]
pub struct ForwardedError;

/// Reads `Forwarded` header fields, RFC 7239 section 4. The last hop is the nearest.
///
/// ```text
/// Forwarded: for=192.0.2.43;proto=https;host=cam.example, for="[2001:db8::17]:4711"
/// ```
///
/// # Errors
/// [`ForwardedError`] if any of it is malformed: half of it would be somebody else's word.
pub fn forwarded<'l>(lines: impl IntoIterator<Item = &'l str>) -> Result<Vec<Hop>, ForwardedError> {
    let mut hops = Vec::new();
    for line in lines {
        for element in split(line, ',')? {
            hops.push(hop(element)?);
        }
    }
    Ok(hops)
}

/// Reads `X-Forwarded-For` header fields. The last hop is the nearest.
///
/// # Errors
/// [`ForwardedError`] if something in it is no address.
pub fn x_forwarded_for<'l>(
    lines: impl IntoIterator<Item = &'l str>,
) -> Result<Vec<Hop>, ForwardedError> {
    let addresses = lines.into_iter().flat_map(|line| line.split(','));
    let hops = addresses.map(|address| {
        let from = node(address.trim())?;
        Ok(Hop {
            from,
            ..Hop::default()
        })
    });
    hops.collect()
}

/// `[ forwarded-pair ] *( ";" [ forwarded-pair ] )`
fn hop(element: &str) -> Result<Hop, ForwardedError> {
    let mut hop = Hop::default();
    for pair in split(element, ';')? {
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=').ok_or(ForwardedError)?;
        let value = unquoted(value)?;
        let twice = match name.to_ascii_lowercase().as_str() {
            "for" => std::mem::replace(&mut hop.from, node(&value)?).is_some(),
            "host" => hop.host.replace(value).is_some(),
            "proto" => hop.proto.replace(value.to_ascii_lowercase()).is_some(),
            _ => false,
        };
        // Section 4: "each parameter MUST NOT occur more than once".
        if twice {
            return Err(ForwardedError);
        }
    }
    Ok(hop)
}

/// The parts between separators, but for those within quotes.
fn split(text: &str, separator: char) -> Result<Vec<&str>, ForwardedError> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|c| {
        let is_escaped = std::mem::take(&mut escaped);
        match c {
            '"' if !is_escaped => quoted = !quoted,
            '\\' if quoted && !is_escaped => escaped = true,
            _ => return c == separator && !quoted,
        }
        false
    });
    let parts: Vec<&str> = parts.map(str::trim).collect();
    match quoted {
        true => Err(ForwardedError),
        false => Ok(parts),
    }
}

/// `token / quoted-string`, RFC 9110 section 5.6.
fn unquoted(value: &str) -> Result<String, ForwardedError> {
    let Some(inner) = value.strip_prefix('"') else {
        let is_token = !value.is_empty() && value.chars().all(is_token_char);
        return is_token.then(|| value.to_owned()).ok_or(ForwardedError);
    };
    let inner = inner.strip_suffix('"').ok_or(ForwardedError)?;
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => return Err(ForwardedError),
            '\\' => text.push(characters.next().ok_or(ForwardedError)?),
            c => text.push(c),
        }
    }
    Ok(text)
}

/// Proxies write addresses with colons and hosts with ports without the quotes that the
/// grammar asks for, which harms nobody.
fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:[]".contains(c)
}

/// A node: an address with or without a port, or a word instead. RFC 7239 section 6.
fn node(text: &str) -> Result<Option<IpAddr>, ForwardedError> {
    if text.eq_ignore_ascii_case("unknown") || text.starts_with('_') {
        return Ok(None);
    }
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address
        .map(|address| Some(address.to_canonical()))
        .map_err(|_| ForwardedError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn from(address: &str) -> Hop {
        Hop {
            from: Some(address.parse().unwrap()),
            ..Hop::default()
        }
    }

    /// The examples of RFC 7239 section 4.
    #[test]
    fn the_rfc_s_examples_are_read() {
        let read = |line| forwarded([line]).unwrap();
        assert_eq!(read(r#"for="_gazonk""#), [Hop::default()]);
        let v6 = from("2001:db8:cafe::17");
        assert_eq!(read(r#"For="[2001:db8:cafe::17]:4711""#), [v6]);
        let by = read("for=192.0.2.60;proto=http;by=203.0.113.43");
        let proto = Some("http".to_owned());
        assert_eq!(
            by,
            [Hop {
                proto,
                ..from("192.0.2.60")
            }]
        );
        let two = [from("192.0.2.43"), from("198.51.100.17")];
        assert_eq!(read("for=192.0.2.43, for=198.51.100.17"), two);
    }

    #[test]
    fn commas_and_semicolons_within_quotes_are_text() {
        let hops = forwarded([r#"host="a,b;c\"d";for=10.0.0.1"#, "for=10.0.0.2"]).unwrap();
        assert_eq!(hops[0].host.as_deref(), Some(r#"a,b;c"d"#));
        assert_eq!(hops[1], from("10.0.0.2"));
    }

    #[test]
    fn what_is_malformed_is_refused_as_a_whole() {
        for line in [
            r#"for=", for=10.0.0.1"#,
            r#"for="10.0.0.1, for=10.0.0.2"#,
            "for=10.0.0.1;for=10.0.0.2",
            "for",
            "for=",
            "for=nobody.example",
            "host=a b",
            r#"host="a"b""#,
        ] {
            assert_eq!(forwarded([line]), Err(ForwardedError), "{line}");
        }
    }

    #[test]
    fn the_older_field_is_a_list_of_addresses() {
        let hops = x_forwarded_for(["10.0.0.1, 2001:db8::1", "unknown,[::1]:80"]).unwrap();
        let expected = [
            from("10.0.0.1"),
            from("2001:db8::1"),
            Hop::default(),
            from("::1"),
        ];
        assert_eq!(hops, expected);
        for line in ["", "10.0.0.1,", "nobody", "10.0.0.1.1"] {
            assert_eq!(x_forwarded_for([line]), Err(ForwardedError), "{line}");
        }
    }

    proptest! {
        /// Whatever a client puts before it, what the proxy appends is what comes last, or
        /// all of it is refused.
        #[test]
        fn nobody_talks_over_the_nearest_proxy(before in r#"[ -~]{0,40}"#) {
            let line = format!("{before}, for=203.0.113.9");
            if let Ok(hops) = forwarded([line.as_str()]) {
                prop_assert_eq!(hops.last(), Some(&from("203.0.113.9")));
            }
            if let Ok(hops) = x_forwarded_for([format!("{before}, 203.0.113.9").as_str()]) {
                prop_assert_eq!(hops.last(), Some(&from("203.0.113.9")));
            }
        }
    }
}
