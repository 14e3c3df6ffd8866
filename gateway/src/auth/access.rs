//! Who may do what in rooms with a name: tokens that the configuration lists, and JWTs of
//! issuers that it names.

use std::fmt;
use std::time::SystemTime;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use serde::Deserialize;
use sightline_spec::room::RoomId;
use sightline_spec::token::{Scope, TokenError};

use super::issuer::Issuer;
use super::rooms::Rooms;

/// What a rule is good for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// To publish.
    Publish,
    /// To watch.
    View,
    /// Either.
    #[default]
    Both,
}

impl Role {
    pub(super) fn permits(self, scope: Scope) -> bool {
        match self {
            Self::Publish => scope == Scope::Publish,
            Self::View => scope == Scope::View,
            Self::Both => true,
        }
    }
}

/// A token as the gateway keeps it: what it hashes to. Comparing that takes the same time
/// whatever is compared, and tells nothing of a token's length.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Token(Digest);

/// Somebody would find it by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token has at least 16 visible ASCII characters: try `openssl rand -base64 24`")]
pub(crate) struct WeakToken;

impl Token {
    fn is(&self, presented: &str) -> bool {
        let presented = digest(&SHA256, presented.as_bytes());
        verify_slices_are_equal(self.0.as_ref(), presented.as_ref()).is_ok()
    }
}

impl TryFrom<String> for Token {
    type Error = WeakToken;

    fn try_from(text: String) -> Result<Self, WeakToken> {
        // A header field carries it.
        match text.len() >= 16 && text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(Self(digest(&SHA256, text.as_bytes()))),
            false => Err(WeakToken),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Whoever brings this token may do this in these rooms.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    pub(crate) room: Rooms,
    pub(crate) role: Role,
    pub(crate) token: Token,
}

/// Every rule of the gateway.
#[derive(Debug, Default)]
pub(crate) struct Access {
    pub(crate) grants: Vec<Grant>,
    pub(crate) issuers: Vec<Issuer>,
}

impl Access {
    /// Whether there are rules at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.grants.is_empty() && self.issuers.is_empty()
    }

    /// Whether a rule is about this room: it is open then, to those whom a rule permits it.
    pub(super) fn covers(&self, room: &RoomId) -> bool {
        [Scope::Publish, Scope::View]
            .iter()
            .any(|scope| self.grants_any(room, *scope))
    }

    /// Whether this takes a token. To publish always does. To watch does where a rule says
    /// who may; otherwise whoever has the link may.
    pub(super) fn asks(&self, room: &RoomId, scope: Scope) -> bool {
        scope == Scope::Publish || self.grants_any(room, scope)
    }

    fn grants_any(&self, room: &RoomId, scope: Scope) -> bool {
        let by_token = |grant: &Grant| grant.role.permits(scope) && grant.room.cover(room);
        let by_issuer = |issuer: &Issuer| issuer.may_permit(room, scope);
        self.grants.iter().any(by_token) || self.issuers.iter().any(by_issuer)
    }

    /// Whether this token permits its bearer that.
    pub(super) fn check(
        &self,
        token: &str,
        room: &RoomId,
        scope: Scope,
        audience: &str,
        now: SystemTime,
    ) -> Result<(), TokenError> {
        if let Some(known) = self.check_listed(token, room, scope) {
            return known;
        }
        let mut refused = TokenError::Unknown;
        for issuer in self.issuers.iter().filter(|issuer| issuer.covers(room)) {
            match issuer.check(token, room, scope, audience, now) {
                Ok(()) => return Ok(()),
                // An issuer that has signed the token knows best what is wrong with it.
                Err(TokenError::Malformed | TokenError::Signature)
                    if refused != TokenError::Unknown => {}
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// The same for a token that is listed. Every one is compared, whichever it is.
    fn check_listed(
        &self,
        token: &str,
        room: &RoomId,
        scope: Scope,
    ) -> Option<Result<(), TokenError>> {
        let grants: Vec<&Grant> = self.grants.iter().filter(|g| g.token.is(token)).collect();
        let mut here = grants.iter().filter(|grant| grant.room.cover(room));
        match (grants.is_empty(), here.clone().next()) {
            (true, _) => None,
            (false, None) => Some(Err(TokenError::Room)),
            (false, Some(_)) if here.any(|grant| grant.role.permits(scope)) => Some(Ok(())),
            (false, Some(_)) => Some(Err(TokenError::Scope)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORTH: &str = "north-0123456789abcdef";
    const SOUTH: &str = "south-0123456789abcdef";

    fn access() -> Access {
        let grant = |room: &str, role, token: &str| Grant {
            room: room.parse().unwrap(),
            role,
            token: token.to_owned().try_into().unwrap(),
        };
        Access {
            grants: vec![
                grant("garage", Role::Publish, NORTH),
                grant("yard-*", Role::Both, NORTH),
                grant("yard-gate", Role::View, SOUTH),
            ],
            issuers: Vec::new(),
        }
    }

    fn check(token: &str, room: &str, scope: Scope) -> Result<(), TokenError> {
        let now = SystemTime::UNIX_EPOCH;
        access().check(token, &room.parse().unwrap(), scope, "host", now)
    }

    #[test]
    fn a_token_permits_what_its_rules_say_and_nothing_else() {
        use Scope::{Publish, View};
        assert_eq!(check(NORTH, "garage", Publish), Ok(()));
        assert_eq!(check(NORTH, "garage", View), Err(TokenError::Scope));
        assert_eq!(check(NORTH, "yard-gate", View), Ok(()));
        assert_eq!(check(NORTH, "yard-gate", Publish), Ok(()));
        assert_eq!(check(NORTH, "attic", Publish), Err(TokenError::Room));
        assert_eq!(check(SOUTH, "yard-gate", View), Ok(()));
        assert_eq!(check(SOUTH, "yard-gate", Publish), Err(TokenError::Scope));
        assert_eq!(check(SOUTH, "yard-pond", View), Err(TokenError::Room));
        let nearly = &NORTH[..NORTH.len() - 1];
        for token in ["", "undefined", nearly] {
            assert_eq!(check(token, "garage", Publish), Err(TokenError::Unknown));
        }
    }

    #[test]
    fn to_watch_takes_a_token_where_a_rule_says_who_may() {
        let asks = |room: &str, scope| access().asks(&room.parse().unwrap(), scope);
        assert!(asks("garage", Scope::Publish));
        assert!(!asks("garage", Scope::View));
        assert!(asks("yard-gate", Scope::View));
    }

    #[test]
    fn rules_open_the_rooms_that_they_are_about_and_no_others() {
        let covers = |room: &str| access().covers(&room.parse().unwrap());
        assert!(covers("garage") && covers("yard-pond"));
        assert!(!covers("attic") && !covers(&"ab".repeat(32)));
    }

    #[test]
    fn a_token_that_can_be_guessed_is_refused_and_none_shows_in_logs() {
        for weak in [
            "",
            "garage",
            "fifteen-letters",
            "sixteen letters!",
            "sechzehn-zeichen-ü",
        ] {
            assert!(Token::try_from(weak.to_owned()).is_err(), "{weak}");
        }
        let shown = format!("{:?}", access());
        assert!(!shown.contains(NORTH) && !shown.contains("0123"), "{shown}");
    }
}
