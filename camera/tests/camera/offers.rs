//! Offers as viewers read them that know less.

use std::collections::BTreeSet;

/// The offer as somebody reads it who knows nothing of this encoding.
pub(crate) fn without(offer: &str, encoding: &str) -> String {
    let number = |line: &str| {
        line.split_once(':')?
            .1
            .split_once(' ')
            .map(|of| of.0.to_owned())
    };
    let mut unknown: BTreeSet<String> = offer
        .lines()
        .filter(|line| line.starts_with("a=rtpmap:") && line.contains(&format!(" {encoding}/")))
        .filter_map(number)
        .collect();
    assert!(!unknown.is_empty(), "{offer}");
    // Retransmissions of what is unknown.
    let of_unknown = |line: &&str| {
        unknown
            .iter()
            .any(|pt| line.ends_with(&format!(" apt={pt}")))
    };
    let repairs = offer.lines().filter(of_unknown).filter_map(number);
    let repairs: Vec<_> = repairs.collect();
    unknown.extend(repairs);
    let mut left = String::new();
    for line in offer.lines() {
        let is_known = match line.split_once(':') {
            Some(("a=rtpmap" | "a=fmtp" | "a=rtcp-fb", _)) => {
                number(line).is_none_or(|number| !unknown.contains(&number))
            }
            _ => true,
        };
        if !is_known {
            continue;
        }
        match line.starts_with("m=video") {
            true => {
                let words = line.split(' ').filter(|word| !unknown.contains(*word));
                left.push_str(&words.collect::<Vec<_>>().join(" "));
            }
            false => left.push_str(line),
        }
        left.push_str("\r\n");
    }
    left
}
