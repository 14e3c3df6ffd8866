//! The payload types of a media section: `a=rtpmap`, `a=fmtp`, and who repairs whom.

use super::media::{Media, value_of};

/// One payload type of a section, RFC 8866 section 6.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload<'a> {
    /// Its number, 0 to 127.
    pub number: u8,
    /// The encoding name as it was written: `H264`, `opus`, `OPUS`.
    pub encoding: &'a str,
    /// Hertz.
    pub clock_rate: u32,
    /// The third part of `a=rtpmap`; an audio encoding without it has one channel.
    pub channels: Option<u8>,
    /// The value of `a=fmtp`, or nothing.
    pub parameters: &'a str,
    /// The payload type of its retransmissions (RFC 4588), if there is one.
    pub rtx: Option<u8>,
}

impl Payload<'_> {
    /// Whether the encoding has this name; their case does not count.
    pub fn is(&self, encoding: &str) -> bool {
        self.encoding.eq_ignore_ascii_case(encoding)
    }

    /// The value of one of the parameters, names in any case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameter(self.parameters, name)
    }
}

impl<'a> Media<'a> {
    /// The payload types in the order of the `m=` line, which is that of preference.
    /// Retransmissions are not among them, nor is what no `a=rtpmap` explains.
    pub fn payloads(&self) -> Vec<Payload<'a>> {
        let values = |name: &'static str| {
            let lines = self.text.lines();
            let values = lines.filter_map(move |line| line.strip_prefix("a=")?.strip_prefix(name));
            values.filter_map(|value| value.strip_prefix(':')?.trim().split_once(' '))
        };
        let fmtp = |number: &str| {
            let mut lines = values("fmtp").filter(|(format, _)| *format == number);
            lines.next().map_or("", |(_, parameters)| parameters.trim())
        };
        let of_number = |number: &'a str| {
            let (_, rtpmap) = values("rtpmap").find(|(format, _)| *format == number)?;
            let mut parts = rtpmap.split('/');
            Some(Payload {
                number: number.parse().ok().filter(|number| *number < 128)?,
                encoding: parts.next()?.trim(),
                clock_rate: parts.next()?.trim().parse().ok()?,
                channels: parts
                    .next()
                    .and_then(|channels| channels.trim().parse().ok()),
                parameters: fmtp(number),
                rtx: None,
            })
        };
        let all: Vec<Payload<'a>> = self.formats().filter_map(of_number).collect();
        let repair = |payload: &Payload<'a>| {
            let apt = |rtx: &&Payload<'a>| rtx.parameter("apt")?.parse().ok();
            let mut repairs = all.iter().filter(|p| p.is("rtx"));
            repairs
                .find(|rtx| apt(rtx) == Some(payload.number))
                .map(|rtx| rtx.number)
        };
        let with_repair = |payload: &Payload<'a>| Payload {
            rtx: repair(payload),
            ..*payload
        };
        let media = all.iter().filter(|payload| !payload.is("rtx"));
        media.map(with_repair).collect()
    }

    /// What it wants to be told of this payload type (RFC 4585 section 4.2), in its order:
    /// `nack pli`, `transport-cc`. A `*` stands for every payload type.
    pub fn feedback(&self, number: u8) -> Vec<&'a str> {
        let lines = self
            .lines()
            .filter_map(|(_, line)| value_of(line, "rtcp-fb"));
        let pairs = lines.filter_map(|value| value.split_once(' '));
        let is_meant = |format: &str| format == "*" || format.parse() == Ok(number);
        let wanted = pairs.filter(|(format, _)| is_meant(format));
        let mut all: Vec<&str> = Vec::new();
        for (_, feedback) in wanted {
            let feedback = feedback.trim();
            if all.len() < Self::MAX_LISTED && !all.contains(&feedback) {
                all.push(feedback);
            }
        }
        all
    }

    /// The first payload type with two meanings: its number, and the line with the second.
    pub fn ambiguous_payload_type(&self) -> Option<(u8, usize)> {
        let mut known: Vec<(u8, &str)> = Vec::new();
        let maps = self.lines().filter_map(|(line, text)| {
            let (number, encoding) = value_of(text, "rtpmap")?.split_once(' ')?;
            Some((line, number.parse().ok()?, encoding.trim()))
        });
        for (line, number, encoding) in maps {
            match known.iter().find(|(known, _)| *known == number) {
                Some((_, same)) if same.eq_ignore_ascii_case(encoding) => {}
                Some(_) => return Some((number, line)),
                None => known.push((number, encoding)),
            }
        }
        None
    }

    /// The payload types that an `a=rtpmap` explains.
    pub(super) fn payload_types_explained(&self) -> Vec<u8> {
        let maps = self
            .lines()
            .filter_map(|(_, line)| value_of(line, "rtpmap"));
        let numbers = maps.filter_map(|value| value.split_once(' ')?.0.parse().ok());
        numbers.collect()
    }

    /// The formats at the end of the `m=` line.
    pub fn formats(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let line = self.text.lines().next().unwrap_or_default();
        line.split_whitespace().skip(3)
    }
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = parameters
        .split(';')
        .filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim())
}
